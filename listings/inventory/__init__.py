"""A made-up inventory of any size, skewed as real ones are, for demonstrations and benchmarks.

Everything about listing number i follows from (seed, i, anchor) alone, so an inventory can be
made in any order, in parts and again. Only which agent lists it depends on the size as well.
"""
