"""The cache protocol as small models, explored exhaustively: every interleaving, every fault.

| module | explores |
|---|---|
| `layers` | two layers, the change log, workers that crash, leases that are lost, flushes |
| `journal` | workers that remember a registry, its journal, and marks that are lost |
| `editing` | readers inside a transaction of their own, which may yet roll back |
| `trust` | degraded trust: `not_before`, `as_of`, and a worker that is dead |
| `near` | the near cache of one process, its pushes, and a connection that is lost and comes back |

Each has the sound protocol and, as one rule changed, the shortcuts that look just as good;
`variants` lists them all. `python -m tests.protocol` prints what becomes of each.

What is bounded, and why it suffices:

- Reads, crashes, losses and flushes are not bounded. Readers read for ever and anything may vanish
  at any moment; the states stay finitely many because a token is modelled by who holds it.
- Two commits. An apply races what was read before its commit with what is read after it; the
  second commit brings an apply that overtakes the first, overlaps it, or shares its batch.
- Two or three readers at a time: one fills, one takes its lease over, one looks.
- One page and one queryset entry. Scripts and scans treat each entry by itself, and a scan sees
  an entry at one moment (HSCAN at the moment at which it passes its bucket), so more entries of a
  layer add only more of the same races.
- Time is three moments where it matters (`trust`), and pushes are at most three (`near`).

What is not modelled: which partitions an event concerns (`decide` is tested against the database),
and a clock of the cache server that goes backwards.
"""
