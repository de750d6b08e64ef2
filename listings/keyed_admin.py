"""Admin of rows whose key is text: chosen once, or made up."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models

from listings.models import Property

if TYPE_CHECKING:  # django-stubs makes these generic, Django does not
    ModelAdminBase = admin.ModelAdmin[models.Model]
    TabularInlineBase = admin.TabularInline[models.Model, Property]
    ModelFormBase = forms.ModelForm[models.Model]
else:
    ModelAdminBase = admin.ModelAdmin
    TabularInlineBase = admin.TabularInline
    ModelFormBase = forms.ModelForm

PER_PAGE = 50


class KeyForm(ModelFormBase):
    """A row's key: chosen or made up when the row is, and fixed from then on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get(self._key)
        if field is None:  # shown as text
            return
        if self._is_new:
            field.required = False
            field.help_text = "Leave empty to have one made up"
        else:
            field.widget.attrs["readonly"] = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self._key in self.fields and self._key not in self.errors:
            made_up = cleaned.get(self._key) or secrets.token_hex(8)
            cleaned[self._key] = made_up if self._is_new else self.instance.pk
        return cleaned

    @property
    def _key(self) -> str:
        return self._meta.model._meta.pk.name

    @property
    def _is_new(self) -> bool:
        return bool(self.instance._state.adding)


class KeyedAdmin(ModelAdminBase):
    """Rows whose key is text; tables that are too large to be counted for fun."""

    form = KeyForm
    list_per_page = PER_PAGE
    show_full_result_count = False
    readonly_fields: ClassVar[Any] = ("modification_timestamp",)


class KeyedInline(TabularInlineBase):
    form = KeyForm
    extra = 0
    show_change_link = True
