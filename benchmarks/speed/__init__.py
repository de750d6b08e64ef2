"""How much a page costs: hits (part 1) and misses (part 2) beside Django's own and others'.

`python -m benchmarks.speed`, or `make bench`. Servers are pinned to one processor and whoever asks
to the other; contenders take turns in rounds.
"""
