"""What the worker adds to the admin: what changes have dropped, and what it could not decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis
from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string

from invalidation_worker.models import DeadLetter
from invalidation_worker.panel import last_changes
from listings.admin import PropertyAdmin
from listings.cache.store import store
from listings.models import Property

if TYPE_CHECKING:  # django-stubs makes this generic, Django does not
    LetterAdminBase = admin.ModelAdmin[DeadLetter]
else:
    LetterAdminBase = admin.ModelAdmin

admin.site.unregister(Property)


@admin.register(Property)
class TracedPropertyAdmin(PropertyAdmin):
    """A listing as `listings` shows it, and below it what its last changes have dropped."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "last_changes"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        panel = [("Cache", {"fields": ["last_changes"]})] if obj else []
        return [*super().get_fieldsets(request, obj), *panel]

    @admin.display(description="Last changes")
    def last_changes(self, home: Property) -> str:
        """A table; the page opens, and says so, when there is no cache."""
        context: dict[str, Any] = {}
        try:
            # As a visitor, who gives a sick server up soon: the rest of the page needs no cache.
            context["changes"] = last_changes(store(), home.pk)
        except redis.RedisError:
            context["away"] = True
        template = "invalidation_worker/last_changes.html"
        return render_to_string(template, context, using="django")


@admin.register(DeadLetter)
class DeadLetterAdmin(LetterAdminBase):
    """Letters are read, and deleted when they have been."""

    list_display = ("event_id", "operation", "table_name", "logged_at", "reason", "dropped")
    list_filter = ("table_name", "operation")
    show_full_result_count = False
    fields = (
        "event_id",
        ("operation", "table_name"),
        "reason",
        "dropped",
        ("logged_at", "dropped_at"),
        "before",
        "after",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DeadLetter | None = None) -> bool:
        return False
