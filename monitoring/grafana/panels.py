"""The two kinds of panel that the dashboards are made of, and the dashboard around them."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import common as draw
from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

# The one of provisioning/datasources/prometheus.yml.
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
RATIO, SECONDS, BYTES, PER_SECOND, NUMBER, SWITCH = (
    "percentunit",
    "s",
    "bytes",
    "ops",
    "short",
    "bool_on_off",
)
UP_IS_GOOD = (("red", None), ("green", 1.0))
NONE_IS_GOOD = (("green", None), ("red", 1.0))

Steps = tuple[tuple[str, float | None], ...]  # colour, and the value from which it is


def number(title: str, meaning: str, expression: str, unit: str, steps: Steps) -> Stat:
    """One value as of now, large, in the colour of its step."""
    return (
        Stat()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .with_target(Dataquery().ref_id("A").expr(expression).instant().datasource(PROMETHEUS))
        .unit(unit)
        .thresholds(_thresholds(steps))
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(draw.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("–")
        .height(4)
        .span(4)
    )


def graph(
    title: str, meaning: str, expressions: Mapping[str, str], unit: str, span: int = 12
) -> TimeSeries:
    """Lines over time: legend to expression. A legend may name labels, as `{{layer}}`."""
    panel = (
        TimeSeries()
        .title(title)
        .description(meaning)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .fill_opacity(8)
        .show_points(VisibilityMode.NEVER)
        .legend(
            draw.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(draw.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .height(8)
        .span(span)
    )
    for place, (legend, expression) in enumerate(expressions.items()):
        query = Dataquery().ref_id(chr(ord("A") + place)).expr(expression).legend_format(legend)
        panel.with_target(query.range().datasource(PROMETHEUS))
    return panel.max(1) if unit == RATIO else panel


def dashboard(uid: str, title: str, meaning: str, *panels: Stat | TimeSeries) -> Dashboard:
    """Panels in reading order, 24 columns wide. The `uid` is part of links: it stays."""
    made = (
        Dashboard(f"Listings: {title}")
        .uid(f"listings-{uid}")
        .description(meaning)
        .tags(["listings"])
        .time("now-1h", "now")
        .refresh("10s")
        .timezone("browser")
        .link(
            DashboardLink("Listings")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["listings"])
            .keep_time(True)
        )
    )
    for panel in panels:
        made.with_panel(panel)
    return made


def _thresholds(steps: Steps) -> ThresholdsConfig:
    return (
        ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(color=color, value=value) for color, value in steps])
    )
