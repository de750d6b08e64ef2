"""Listings from files of others: read, staged, grouped by parcel, then upserted in batches.

A format (such as `king_county`) says which columns a file must have, how a row becomes typed and
how a parcel's rows become one listing. The rest is the same for all formats.
"""
