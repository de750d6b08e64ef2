"""`python -m benchmarks.plans.publish`: puts what a run has measured into the documentation."""

from __future__ import annotations

from benchmarks.figures import put, results_of
from benchmarks.plans import report
from benchmarks.plans.__main__ import OUTPUT
from benchmarks.plans.plan import Results


def publish(results: Results) -> None:
    """Write the tables, and all figures."""
    parts = {
        "kinds": report.kinds(results),
        "dearest": report.dearest(results),
        "run": report.run(results),
    }
    put("plans", parts, results)


if __name__ == "__main__":
    publish(results_of(__doc__, OUTPUT, Results))
