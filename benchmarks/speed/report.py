"""What was measured, as tables and sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from statistics import median
from typing import NamedTuple

from benchmarks.speed.names import CACHE_PAGE, COLD, CONSTANT, NEAR, NGINX, PLAIN, TITLES
from benchmarks.speed.plan import DETAIL, LIST, Measured, Results, Sample

Figure = Callable[[Sample], float]


class Promise(NamedTuple):
    """A ratio of two contenders in one setting, and its bound."""

    setting: str  # connections, or a kind of page
    ours: str
    other: str
    of: str  # "CPU", which is to be at most the bound, or "throughput", at least
    bound: float

    def ratios(self, rows: Sequence[Measured]) -> list[float]:
        """The ratio in each round; empty if one of the two was not measured."""
        ours, other = (_find(rows, name, self.setting) for name in (self.ours, self.other))
        if ours is None or other is None:
            return []
        pairs = zip(ours.samples, other.samples, strict=True)
        return [self._of(one) / self._of(two) for one, two in pairs]

    def holds(self, ratios: Sequence[float]) -> bool:
        """Whether the median of these is as promised."""
        middle = median(ratios)
        return middle <= self.bound if self.of == "CPU" else middle >= self.bound

    def _of(self, sample: Sample) -> float:
        return sample.cpu_us if self.of == "CPU" else sample.per_second


# DESIGN.md, P7. That with nginx is an aim.
PROMISES = (
    Promise("64", NEAR, CACHE_PAGE, "CPU", 0.05),
    Promise("64", NEAR, CONSTANT, "CPU", 1.15),
    Promise("64", NEAR, NGINX, "throughput", 0.7),
    Promise(LIST, COLD, PLAIN, "CPU", 1 / 3),
    Promise(DETAIL, COLD, PLAIN, "CPU", 1 / 3),
)


def tables(results: Results) -> dict[str, str]:
    """Name → Markdown, or nothing for what was not measured."""
    return {
        "promised": promised(results),
        "hits": hits(results.hits),
        "misses": misses(results.misses),
        "profile": profile(results),
        "thousand": thousand(results),
    }


def run(results: Results) -> str:
    """What was run, and on what, in two sentences and one for each who was left out."""
    plan = results.plan
    what = (
        f"{plan.listings:,} made-up listings. Hits: {plan.rounds} rounds of {plan.seconds} s for "
        f"each contender and number of connections. Misses: {plan.rounds} rounds of {plan.misses} "
        f"new pages of each kind over 4 connections; {plan.profiled:,} of each kind were taken "
        "apart."
    )
    sentences = dict.fromkeys(chain.from_iterable(results.left_out.values()))
    left_out = [f"Left out: {sentence}." for sentence in sentences]
    return "\n".join([what, f"The machine: {results.machine}", *left_out]) + "\n"


def everything(results: Results) -> str:
    """All tables, for a terminal."""
    return "\n".join([run(results), *filter(None, tables(results).values())])


def broken(results: Results) -> list[str]:
    """A sentence for each promise that does not hold; those that were not measured hold."""
    return [
        f"{_name(promise)} is {median(ratios):.3g}, not {_bound(promise)}"
        for promise, ratios in _measured(results)
        if not promise.holds(ratios)
    ]


def promised(results: Results) -> str:
    """Each ratio that is promised, taken within each round, and whether its median is as it was."""
    rows = []
    for promise, ratios in _measured(results):
        holds = "yes" if promise.holds(ratios) else "no"
        rows.append([_name(promise), _spread(ratios, "{:.3g}"), _bound(promise), holds])
    return _table(["ratio", "measured", "promised", "holds"], rows)


def hits(rows: Sequence[Measured]) -> str:
    """Part 1: a row for each contender and number of connections."""
    lines = []
    for row in in_order(rows):
        line = [TITLES[row.contender], row.setting]
        line += [_spread([one.per_second for one in row.samples], "{:,.0f}")]
        line += [_spread([one.cpu_us for one in row.samples], "{:,.1f}")]
        line += [_middle(row, lambda one: 1e6 * one.cache_cpu / one.requests, "{:,.1f}")]
        line += [_middle(row, lambda one: one.client_busy, "{:.0%}")]
        lines.append(line)
    columns = ["contender", "connections", "requests/s", "CPU µs/request", "cache server, µs"]
    return _table([*columns, "wrk busy"], lines)


def misses(rows: Sequence[Measured]) -> str:
    """Part 2: a row for each kind of page and contender."""
    lines = []
    for row in in_order(rows):
        plain = _find(rows, PLAIN, row.setting)
        line = [row.setting, TITLES[row.contender]]
        line += [_spread([one.cpu_us / 1e3 for one in row.samples], "{:.2f}")]
        line += [f"{row.cpu_us / plain.cpu_us:.2f}" if plain else ""]
        line += [_middle(row, lambda one: 1e3 * one.database_cpu / one.requests, "{:.2f}")]
        line += [_middle(row, lambda one: 1e3 * one.cache_cpu / one.requests, "{:.2f}")]
        line += [_middle(row, lambda one: one.per_second, "{:,.0f}")]
        lines.append(line)
    columns = ["page", "contender", "CPU ms/page", "of ordinary", "PostgreSQL, ms"]
    return _table([*columns, "cache server, ms", "pages/s"], lines)


def profile(results: Results) -> str:
    """Where the time of our misses goes: milliseconds, and the share of all."""
    kinds = {one.kind: one for one in results.profiles}
    seen: Counter[str] = Counter()
    for one in results.profiles:
        seen.update(one.samples)
    lines = []
    for part, _ in seen.most_common():
        line = [part]
        for one in kinds.values():
            share = one.samples.get(part, 0) / max(1, sum(one.samples.values()))
            line.append(f"{1e3 * share * one.cpu_seconds / one.misses:.2f} ({share:.0%})")
        lines.append(line)
    if lines:
        each = [f"{1e3 * one.cpu_seconds / one.misses:.2f}" for one in kinds.values()]
        lines.append(["all together", *each])
    return _table(["part", *(f"{kind}, ms" for kind in kinds)], lines)


def thousand(results: Results) -> str:
    """The same requests without and with cache."""
    columns = [f"{results.plan.requests:,} requests", "from the cache", "queries", "milliseconds"]
    lines = []
    for one in results.thousand:
        figures = (one.hits, one.queries, 1000 * one.seconds, 1000 * one.cpu_seconds)
        lines.append([one.contender, *(f"{figure:,.0f}" for figure in figures)])
    return _table([*columns, "of these CPU"], lines)


def _measured(results: Results) -> list[tuple[Promise, list[float]]]:
    found = ((promise, promise.ratios([*results.hits, *results.misses])) for promise in PROMISES)
    return [(promise, ratios) for promise, ratios in found if ratios]


def _name(promise: Promise) -> str:
    where = f"{promise.setting} connections" if promise.setting.isdigit() else promise.setting
    return f"{promise.of}, {where}: {TITLES[promise.ours]} / {TITLES[promise.other]}"


def _bound(promise: Promise) -> str:
    return f"{'at most' if promise.of == 'CPU' else 'at least'} {promise.bound:.3g}"


def in_order(rows: Iterable[Measured]) -> list[Measured]:
    """Setting by setting, as they were first measured, and contenders as they are listed."""
    found = list(rows)
    settings = list(dict.fromkeys(row.setting for row in found))
    titles = list(TITLES)
    found.sort(key=lambda row: (settings.index(row.setting), titles.index(row.contender)))
    return found


def _find(rows: Iterable[Measured], contender: str, setting: str) -> Measured | None:
    same = (row for row in rows if (row.contender, row.setting) == (contender, setting))
    return next(same, None)


def _spread(values: Sequence[float], form: str) -> str:
    """`median (least to most)`"""
    middle, least, most = (form.format(of(values)) for of in (median, min, max))
    return f"{middle} ({least} to {most})"


def _middle(row: Measured, figure: Figure, form: str) -> str:
    return form.format(median(map(figure, row.samples)))


def _table(columns: list[str], rows: list[list[str]]) -> str:
    """In Markdown; empty without rows. Columns of figures are set to the right."""
    if not rows:
        return ""
    rule = "|".join("--:" if cell[:1].isdigit() else "---" for cell in rows[0])
    lines = [" | ".join(columns), rule, *(" | ".join(row) for row in rows)]
    return "".join(f"| {line} |\n" for line in lines)
