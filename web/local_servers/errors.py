"""What can go wrong with a local server."""


class LocalServerError(Exception):
    """A server cannot be started or stopped here; the text is one sentence for the terminal."""
