"""Dependencies in words, for people who ask why an entry went."""

from __future__ import annotations

from listings.cache.dependencies import Count, Dependency, Facets, Rows, Search, Window


def in_words(dependency: Dependency | None) -> str:
    """What can change an entry that has this dependency, as the end of "it depends on …"."""
    match dependency:
        case None:
            return "anything"
        case Rows(keys, shown):
            return f"the {shown!r} columns of {', '.join(keys)}"
        case Search(search):
            return f"anything in {_search(search)}"
        case Window():
            return _window(dependency)
        case Count(search, capped):
            least = ", which is more than can be counted" if capped else ""
            return f"the number of {_search(search)}{least}"
        case Facets(search, shown):
            return f"the number of {_search(search)} by their {shown!r} columns"


def _window(window: Window) -> str:
    rows = f"the rows of {_search(window.search)} by {window.sort}"
    if window.after is not None:
        rows += f", after {window.after[-1]}"
    elif window.position:
        rows += f", behind the first {window.position:,}"
    if window.first is None or window.last is None:
        return f"{rows}: none so far"
    return (
        f"{rows}: from {window.first[-1]} to {window.last[-1]}{'' if window.full else ', the last'}"
    )


def _search(canonical: str) -> str:
    return f"the listings with {canonical}" if canonical else "all listings"
