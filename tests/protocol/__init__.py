"""The cache protocol as small models, explored exhaustively: every interleaving, every fault.

| module | explores |
|---|---|
| `layers` | two layers, the change log, workers that crash, leases that are lost, flushes |
| `editing` | readers inside a transaction of their own, which may yet roll back |
| `trust` | degraded trust: `not_before`, `as_of`, and a worker that is dead |
| `near` | the near cache of one process, its pushes, and a connection that is lost and comes back |

Each has the sound protocol and, as one rule changed, the shortcuts that look just as good;
`variants` lists them all. `python -m tests.protocol` prints what becomes of each.

What is bounded, and why it suffices. Reads, crashes, losses and flushes are not: readers read for
ever and everything may vanish at any moment, in finitely many states, because a token is modelled
by who holds it. Commits are bounded to two: an apply races what was read before its commit with
what is read after it, and the second commit adds an apply that overtakes or overlaps another.
Readers are bounded to two or three at a time: one who fills, one who takes over, one who looks.
One page and one queryset entry stand for all: scripts and scans treat each entry by itself, and
what differs between entries of one layer is only when a scan passes them.
"""
