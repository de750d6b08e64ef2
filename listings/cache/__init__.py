"""The cache engine: entries, partitions, leases and fills. No HTTP, no Celery, no models.

`read` is the one way in. `docs/architecture.md` has the protocol and why it is true.
"""
