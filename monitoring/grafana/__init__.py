"""Grafana's dashboards as code: `python -m monitoring.grafana` writes them to `dashboards/`."""
