"""Reads and writes at once, over HTTP, against the running platform."""
