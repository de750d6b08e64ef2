"""What was measured as text, and whether it is what is promised."""

from __future__ import annotations

from statistics import median

from benchmarks.markdown import markdown
from benchmarks.plans.plan import Cost, Kind, Results

MOST_MS = 50.0  # of a page, at a million listings
JUDGED = (Kind.LIST, Kind.OTHER)
LISTINGS = "listings_property"
DEAREST = 20
NAMES = {"property_list": "list", "search_facets": "refinements"}


def kinds(results: Results) -> str:
    """In Markdown: a row for each kind of page."""
    rows = []
    for kind in Kind:
        some = _of(results, kind)
        times = [cost.milliseconds for cost in some] or [0.0]
        rows.append(
            [
                kind,
                f"{len(some):,}",
                f"{median(times):.1f}",
                f"{max(times):.1f}",
                f"{len(_dear(some)):,}",
                f"{len(_without_index(some)):,}",
            ]
        )
    head = ["first pages", "number", "median, ms", "most, ms", f"{MOST_MS:g} ms or more"]
    return markdown([*head, "found without an index"], rows)


def dearest(results: Results) -> str:
    """In Markdown: a row for each of the pages that take longest."""
    costs = sorted(results.costs, key=lambda cost: -cost.milliseconds)[:DEAREST]
    rows = [
        [
            NAMES.get(cost.page, cost.page.replace("_", " ")),
            f"`{cost.arguments}`" if cost.arguments else "",
            ", ".join(cost.scanned),
            f"{cost.milliseconds:.1f}",
            f"{cost.statements}",
        ]
        for cost in costs
    ]
    return markdown(["page", "of", "read without an index", "ms", "statements"], rows, words=3)


def run(results: Results) -> str:
    """What was run, and on what."""
    return f"{results.plan.listings:,} made-up listings. Machine: {results.machine.described()}\n"


def verdicts(results: Results) -> dict[str, bool]:
    """Each promise that was put to the test, with its figure, and whether it was kept."""
    found = {}
    for kind in JUDGED:
        some = _of(results, kind)
        dear, scanned = len(_dear(some)), len(_without_index(some))
        number = f"of {len(some):,} {kind}"
        found[f"{dear:,} {number} take the database {MOST_MS:g} ms or more"] = not dear
        found[f"{scanned:,} {number} are found without an index"] = not scanned
    return found


def _of(results: Results, kind: Kind) -> list[Cost]:
    return [cost for cost in results.costs if cost.kind is kind]


def _dear(some: list[Cost]) -> list[Cost]:
    return [cost for cost in some if cost.milliseconds >= MOST_MS]


def _without_index(some: list[Cost]) -> list[Cost]:
    """The tally, which has a row for each city, is read as a whole and does not count."""
    return [cost for cost in some if LISTINGS in cost.scanned]
