"""The same pages as an ordinary Django site: the contender that every miss is compared with.

Model instances, `select_related` and `prefetch_related`, a `Paginator` that counts, Django's
templates, and the middleware of `startproject`; written as Django's documentation would have it,
without tricks for or against it. `benchmarks.speed.sameness` holds its pages equal to ours.
"""
