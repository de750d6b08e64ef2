"""Every variant that is explored: the sound protocol, and each shortcut with what breaks it."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.protocol import editing, journal, layers, near, trust
from tests.protocol.explore import Model
from tests.protocol.rules import COMMIT_FIRST, FIND_BOTH_FIRST, PAGES_FIRST, SOUND


class Variant(NamedTuple):
    name: str
    model: Model[Any]
    fault: str = ""  # how the sentence that names the fault begins; empty: there is none
    steps: tuple[str, ...] = ()  # of the shortest counterexample: those that tell, in order


OLD_PAGE = "page 0 is stored, but 1 is applied"
OLDER_PAGE = "page 1 is stored, but 2 is applied"
OLD_ROWS = "rows 0 are stored, but 1 is applied"
OLD_ANSWER = "a reader that began after 1 was applied is shown 0"
OLD_DATA = "wanted data of 1 or later, is shown data of 0"
OLD_NEAR = "page 0 is near, 1 is applied, no push is under way"

_with = SOUND._replace

SOUND_VARIANTS = (
    Variant("sound: 2 commits, 2 readers, 2 workers", layers.model(commits=2, worker_count=2)),
    Variant("sound: 1 commit, 3 readers, 1 worker", layers.model(reader_count=3)),
    Variant("sound: journal, 2 readers, 1 worker", journal.model()),
    Variant("sound: journal, 1 reader, 2 workers", journal.model(reader_count=1, worker_count=2)),
    Variant("sound: inside a transaction", editing.model()),
    Variant("sound: degraded trust", trust.model()),
    Variant("sound: degraded trust, near cache", trust.model(reader_count=1, has_near=True)),
    Variant("sound: near cache", near.model()),
)

LAYER_MUTANTS = (
    Variant(
        "invalidate keeps the lease",
        layers.model(_with(invalidate_drops_lease=False)),
        OLD_PAGE,
        ("A leases page", "commit 1", "worker: drop page", "worker: commit", "A stores page 0"),
    ),
    Variant(
        "registered at fill instead of at lease",
        layers.model(_with(registers_at_lease=False)),
        OLD_PAGE,
        ("A leases page", "commit 1", "worker: find page", "worker: commit", "A stores page 0"),
    ),
    Variant(
        "fill asks for no token",
        layers.model(_with(fill_asks_for="nothing")),
        OLD_PAGE,
        ("A leases page", "commit 1", "worker: commit", "A stores page 0"),
    ),
    Variant(
        "fill asks for anybody's token",
        layers.model(_with(fill_asks_for="any token")),
        OLD_PAGE,
        ("A leases page", "commit 1", "worker: commit", "B leases page", "A stores page 0"),
    ),
    Variant(
        "sweep looks only at the value",
        layers.model(_with(sweep_looks_at_lease=False)),
        OLD_PAGE,
        ("A leases page", "commit 1", "page swept", "worker: find page", "A stores page 0"),
    ),
    # A flush that happens by itself and leaves leases and registries is no more than an eviction
    # of every value, which is explored everywhere. But a worker flushes in order to apply.
    Variant(
        "flush takes values only",
        layers.model(_with(flush_takes=())),
        OLD_PAGE,
        ("A leases page", "commit 1", "worker: flush", "worker: commit", "A stores page 0"),
    ),
    Variant(
        "flush leaves leases",
        layers.model(_with(flush_takes=("registration",))),
        OLD_PAGE,
        ("A leases page", "commit 1", "worker: flush", "worker: commit", "A stores page 0"),
    ),
    Variant(
        "pages before querysets",
        layers.model(_with(apply=PAGES_FIRST)),
        OLD_PAGE,
        ("worker: drop page", "B leases page", "B finds rows 0", "worker: drop rows"),
    ),
    Variant(
        "both registries are read first",
        layers.model(_with(apply=FIND_BOTH_FIRST)),
        OLD_PAGE,
        ("worker: find page", "B leases page", "B finds rows 0", "worker: drop rows"),
    ),
    Variant(
        "events leave the log before entries leave the cache",
        layers.model(_with(apply=COMMIT_FIRST)),
        OLD_PAGE,
        ("commit 1", "worker: commit", "worker dies", "A stores page 0"),
    ),
    Variant(
        "a result is shared in the process",
        layers.model(_with(shares_results=True)),
        OLD_ANSWER,
        ("A reads version 0", "commit 1", "worker: commit", "B is shown what A has loaded"),
    ),
)

JOURNAL_MUTANTS = (
    Variant(
        "told with the fill instead of with the lease",
        journal.model(_with(told_with="fill")),
        OLDER_PAGE,
        ("A leases page", "commit 2", "worker 1 reads the journal", "A stores page 1"),
    ),
    Variant(
        "the mark is put when the registry has been read",
        journal.model(_with(marks_first=False)),
        OLDER_PAGE,
        ("worker 1 reads the registry", "A leases page", "worker 1 puts its mark"),
    ),
    Variant(
        "nobody asks whether the mark is still there",
        journal.model(_with(mark_asked_for="nothing")),
        OLDER_PAGE,
        ("A leases page", "journal trimmed", "worker 1 reads the journal"),
    ),
    Variant(
        "any mark will do",
        journal.model(_with(mark_asked_for="any"), reader_count=1, worker_count=2),
        OLDER_PAGE,
        (
            "A leases page",
            "worker 2 finds no mark",
            "journal trimmed",
            "worker 1 reads the journal",
        ),
    ),
    Variant(
        "forgotten before it is dropped",
        journal.model(_with(forgets_when="found")),
        OLD_PAGE,
        ("worker 1 reads the registry", "worker 1 rolls back", "worker 1 reads the journal"),
    ),
)

EDITING_MUTANTS = (
    Variant(
        "a transaction stores its own rows",
        editing.model(_with(transaction_stores=True)),
        "uncommitted rows are stored",
        ("editor writes", "editor leases rows", "editor reads", "editor stores rows"),
    ),
    Variant(
        "a transaction stores its old snapshot",
        editing.model(_with(transaction_stores=True), editor_writes=False),
        OLD_ROWS,
        ("editor begins", "commit 1", "apply 1", "editor leases rows", "editor stores rows"),
    ),
    Variant(
        "a transaction looks up",
        editing.model(_with(transaction_looks_up=True)),
        "the editor is not shown what the transaction sees",
        ("commit 1", "reader stores rows", "editor begins", "editor is shown the stored rows"),
    ),
)

TRUST_MUTANTS = (
    Variant(
        "a page's as_of is its own lease's time",
        trust.model(_with(as_of_heeds_parts=False)),
        OLD_DATA,
        ("A reads at 0", "time passes", "B finds rows read at 0", "B fills page as of 1"),
    ),
    Variant(
        "as_of is the time of the fill",
        trust.model(_with(as_of_from_lease=False)),
        OLD_DATA,
        ("time passes", "A fills page as of 1", "A wants data of 1 or later"),
    ),
    Variant(
        "a page does not pass its threshold on",
        trust.model(_with(threshold_passed_on=False)),
        OLD_DATA,
        ("A reads at 0", "time passes", "B wants data of 1 or later", "B finds rows read at 0"),
    ),
    Variant(
        "a near hit does not heed the threshold",
        trust.model(_with(near_heeds_threshold=False), reader_count=1, has_near=True),
        OLD_DATA,
        ("A reads at 0", "time passes", "A wants data of 1 or later, is shown the near page"),
    ),
)

NEAR_MUTANTS = (
    Variant(
        "near cache without the generation check",
        near.model(_with(near_checks_generation=False)),
        OLD_NEAR,
        ("A gets 0", "apply 1", "push", "A keeps 0 near"),
    ),
    Variant(
        "tracking is confirmed and no generation advances",
        near.model(_with(tracking_advances_generation=False)),
        OLD_NEAR,
        ("A gets 0", "apply 1", "tracking confirmed", "A keeps 0 near"),
    ),
    Variant(
        "tracking is confirmed and the map stays",
        near.model(_with(tracking_empties=False)),
        OLD_NEAR,
        ("A keeps 0 near", "deadline", "tracking confirmed"),
    ),
    Variant(
        "no deadline for hits",
        near.model(_with(deadline_switches_off=False)),
        OLD_NEAR,
        ("connection lost", "deadline", "A keeps 0 near"),
    ),
)

MUTANTS = LAYER_MUTANTS + JOURNAL_MUTANTS + EDITING_MUTANTS + TRUST_MUTANTS + NEAR_MUTANTS
