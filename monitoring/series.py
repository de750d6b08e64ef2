"""From what a server told to what Prometheus gets: tables of series, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

T = TypeVar("T")

Family = type[CounterMetricFamily] | type[GaugeMetricFamily]
Labels = tuple[str, ...]  # their values
COUNTER, GAUGE = CounterMetricFamily, GaugeMetricFamily


@dataclass(frozen=True, slots=True)
class Series(Generic[T]):
    """One exported number, or with `labels` of its own one for each of their values."""

    name: str  # without prefix, and without a counter's `_total`
    family: Family
    meaning: str
    value: Callable[[T], float | Mapping[Labels, float] | None]  # none: the series is absent
    labels: Labels = ()  # their names


def families(
    prefix: str, table: Iterable[Series[T]], told: Mapping[Labels, T], labels: Labels = ()
) -> Iterator[Metric]:
    """The series of a table, of all that have told something. `labels` says which that was."""
    for series in table:
        family = series.family(
            prefix + series.name, series.meaning, labels=(*labels, *series.labels)
        )
        for whose, answer in told.items():
            value = series.value(answer)
            numbers = value if isinstance(value, Mapping) else {(): value}
            for which, number in numbers.items():
                if number is not None:
                    family.add_metric((*whose, *which), number)
        if family.samples:
            yield family
