"""Side-by-side measurements against peers. Results are in `docs/benchmarks.md`.

Peers and what draws the plot are in `requirements.txt` beside this file; the platform needs none
of it.
"""
