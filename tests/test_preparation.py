"""A start may skip its preparation only when that would find nothing to do."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from listings.models import Property
from web import local_stack, preparation

pytestmark = pytest.mark.usefixtures("platform")


class Prepared:
    """A small project whose database and static files are ready, and remembered as such."""

    def __init__(self, folder):
        self.var, self.static, self.code = folder / "var", folder / "static", folder / "manage.py"
        self.static.mkdir()
        (self.static / "site.0a1b.css").write_text("a {}")
        self.code.write_text("main()")
        url = urlsplit(os.environ["DATABASE_URL"])
        self.url = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))

    def remember(self):
        with connection.cursor() as cursor:
            preparation.remember(cursor, self.static, self.var)

    def is_done(self, demo_listings=True):
        return preparation.is_done(self.url, self.static, demo_listings, self.var)


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(local_stack, "PROJECT", tmp_path)
    Property.objects.create(listing_key="A-1", list_price=1)
    get_user_model().objects.create(username="somebody")
    it = Prepared(tmp_path)
    it.remember()
    assert it.is_done()
    return it


def test_without_a_memory_it_is_not_done(prepared):
    (prepared.var / preparation.REMEMBERED).unlink()
    assert not prepared.is_done()


def test_a_broken_memory_is_none(prepared):
    (prepared.var / preparation.REMEMBERED).write_text("{")
    assert not prepared.is_done()


def test_changed_code_is_prepared_again(prepared):
    prepared.code.write_text("Main()")
    assert not prepared.is_done()


def test_new_code_is_prepared_again(prepared):
    migrations = prepared.code.with_name("listings")
    migrations.mkdir()
    (migrations / "0002_more.py").touch()
    assert not prepared.is_done()


def test_compiled_code_does_not_count(prepared):
    compiled = prepared.code.with_name("listings") / "__pycache__"
    compiled.mkdir(parents=True)
    (compiled / "models.pyc").touch()
    assert prepared.is_done()


@pytest.mark.parametrize("change", ["unlink", "touch"])
def test_changed_static_files_are_collected_again(prepared, change):
    (file,) = prepared.static.iterdir()
    file.unlink()
    if change == "touch":
        file.write_text("a { }")
    assert not prepared.is_done()


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        (
            "DELETE FROM django_migrations WHERE app = 'listings' AND name = '0001_initial'",
            "INSERT INTO django_migrations VALUES (DEFAULT, 'listings', '0001_initial', now())",
        ),
        (
            "INSERT INTO django_migrations VALUES (DEFAULT, 'listings', '9', now())",
            "DELETE FROM django_migrations WHERE name = '9'",
        ),
        (
            "ALTER TABLE django_migrations RENAME TO elsewhere",
            "ALTER TABLE elsewhere RENAME TO django_migrations",
        ),
    ],
    ids=["fewer", "more", "none"],
)
def test_database_with_other_migrations_is_prepared_again(prepared, change, undo):
    with connection.cursor() as cursor:
        cursor.execute(change)
        try:
            assert not prepared.is_done()
        finally:
            cursor.execute(undo)
    assert prepared.is_done()


def test_database_that_does_not_answer_is_prepared_again(prepared):
    prepared.url = "postgres://nobody@127.0.0.1:1/none"
    assert not prepared.is_done()


def test_database_without_a_user_gets_one(prepared):
    get_user_model().objects.all().delete()
    assert not prepared.is_done()


def test_database_without_listings_gets_some_if_they_are_wanted(prepared):
    Property.objects.all().delete()
    assert not prepared.is_done(demo_listings=True)
    assert prepared.is_done(demo_listings=False)
