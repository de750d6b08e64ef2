"""Visitors over HTTP, in a process of their own, who come whatever the site does."""
