"""Jinja2 without what the templates of this site do not need, for half of the time."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, Template
from jinja2.runtime import Context, Macro
from markupsafe import (  # type: ignore[attr-defined] # the part of `escape` that escapes
    Markup,
    _escape_inner,
    escape,
)

MOST_KEPT = 4_096  # pieces of pages, such as cards: at most 10 MB


def escaped(value: object) -> str:
    """What `escape` makes of a value, as a plain text.

    `escape` marks it as safe, which takes three times as long as escaping it. What is put into the
    output at once, as all is here, needs no mark.
    """
    if type(value) is str:
        return _escape_inner(value)
    return value if type(value) is Markup else str(escape(value))


class QuickContext(Context):
    """Calls what a template calls, at once.

    Jinja looks for three decorators first, by which a function asks for more arguments than it is
    given: that takes longer than a short macro. Nothing here has one but macros, which ask whether
    to escape; without being told, they do.
    """

    def call(self, called: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        named.pop("_block_vars", None)
        named.pop("_loop_vars", None)
        return called(*arguments, **named)


class QuickTemplate(Template):
    """A template that autoescapes with `escaped`."""

    @classmethod
    def _from_namespace(
        cls, environment: Environment, namespace: MutableMapping[str, Any], *others: Any
    ) -> Template:
        # Where compiled templates find `escape`; they call it for what they put out, nothing else.
        namespace["escape"] = escaped
        return super()._from_namespace(environment, namespace, *others)


@lru_cache(MOST_KEPT, typed=True)  # a text that is equal to a safe one is not safe
def kept(macro: Macro, *arguments: object) -> str:
    """What an imported macro makes of these arguments, on which alone it depends.

    When one listing has changed, the other cards of its lists are at hand.
    """
    made: str = macro(*arguments)
    return made


class QuickEnvironment(Environment):
    """An environment in which a dot names an attribute, never a key: half of the time."""

    template_class = QuickTemplate
    context_class = QuickContext
    getattr = staticmethod(getattr)  # type: ignore[assignment]
