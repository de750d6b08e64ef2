"""What columns may hold: keys, and the constraints that keep all else within what is known."""

from __future__ import annotations

from datetime import UTC, datetime

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

# PostgreSQL knows moments outside of these, and infinite ones; Python does not.
MOMENTS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"  # keys stand in URLs and in cache keys
LONGEST_KEY = 255


def primary_key() -> models.CharField[str, str]:
    """A RESO key: up to 255 letters, digits, dots, dashes and underscores.

    Ordered by code point wherever the database runs, as Python orders it.
    """
    return models.CharField(
        max_length=255,
        primary_key=True,
        db_collation="C",
        validators=[RegexValidator(KEY_PATTERN)],
    )


def constraint(name: str, condition: Q) -> models.CheckConstraint:
    """That this holds of every row."""
    return models.CheckConstraint(name=name, condition=condition)


def key_shape(model: str, column: str) -> models.CheckConstraint:
    """That keys can stand in URLs, whoever writes them."""
    return constraint(f"{model}_{column}_shape", Q(**{f"{column}__regex": KEY_PATTERN}))


def at_least_zero(model: str, *columns: str) -> list[models.CheckConstraint]:
    """That each of these columns, if it is known, is a number from 0 to below 10¹²."""
    return [
        constraint(
            f"{model}_{column}_not_negative",
            # The upper bound keeps NaN out, which PostgreSQL takes for larger than any number.
            Q(**{f"{column}__gte": 0, f"{column}__lt": 10**12}) | Q(**{f"{column}__isnull": True}),
        )
        for column in columns
    ]


def between(model: str, column: str, least: object, most: object) -> models.CheckConstraint:
    """That a column, if it is known, is within these bounds."""
    inside = Q(**{f"{column}__gte": least, f"{column}__lte": most})
    return constraint(f"{model}_{column}_range", inside | Q(**{f"{column}__isnull": True}))


def known(model: str, column: str, values: list[str]) -> models.CheckConstraint:
    """That a column has one of these values."""
    return constraint(f"{model}_{column}_known", Q(**{f"{column}__in": values}))
