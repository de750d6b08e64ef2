"""The environment: every variable documented, every mistake named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from web import environment

PROJECT = Path(__file__).resolve().parent.parent
GIVEN = {
    "SECRET_KEY": "long and random",
    "DATABASE_URL": "postgres://user:pass@db.example/listings",
    "CACHE_URL": "redis://:pass@cache.example:6379/0",
    "BROKER_URL": "redis://:pass@broker.example:6379/0",
}


@pytest.fixture
def unread(monkeypatch):
    """As before the settings were imported."""
    monkeypatch.setattr(environment, "_read", {})


def import_settings(shown: str = "SITE_URL", **variables: str) -> subprocess.CompletedProcess[str]:
    return run(["-c", f"import web.settings; print(web.settings.{shown})"], variables)


def run(argv: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *argv],
        env={**os.environ, **variables},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 1
    return result.stderr.strip().splitlines()[-1]


def test_env_example_lists_every_variable_with_its_default():
    example = (PROJECT / ".env.example").read_text()
    assert dict(re.findall(r"^# ([A-Z_]+)=(.*)$", example, re.MULTILINE)) == environment.variables()


def test_readme_lists_every_variable():
    section = (PROJECT / "README.md").read_text().split("\n## Settings\n", 1)[1].split("\n## ")[0]
    names = re.findall(r"^\| *`([A-Z_]+)` *\|", section, re.MULTILINE)
    assert sorted(names) == sorted(environment.variables())


@pytest.mark.parametrize(
    ("value", "read", "allowed"),
    [
        ("maybe", lambda: environment.boolean("X_TEST", False), "true, 1, yes, on, false, 0"),
        ("many", lambda: environment.integer("X_TEST", 1, 1, 64), "a whole number from 1 to 64"),
        ("65", lambda: environment.integer("X_TEST", 1, 1, 64), "a whole number from 1 to 64"),
        ("0", lambda: environment.integer("X_TEST", 1, 1, 64), "a whole number from 1 to 64"),
        ("LOUD", lambda: environment.choice("X_TEST", "INFO", ("INFO", "ERROR")), "INFO, ERROR"),
    ],
)
def test_bad_value_is_named_with_what_is_allowed(unread, monkeypatch, value, read, allowed):
    monkeypatch.setenv("X_TEST", value)
    with pytest.raises(ImproperlyConfigured) as raised:
        read()
    assert str(raised.value).startswith(f"X_TEST={value!r} is not allowed: give ")
    assert allowed in str(raised.value)


@pytest.mark.parametrize(
    "value", ["http://u:hunter2@host/", "hunter2", "redis://:hunter2@host:port"]
)
def test_bad_url_is_never_repeated(unread, monkeypatch, value):
    monkeypatch.setenv("X_TEST", value)
    with pytest.raises(ImproperlyConfigured, match="X_TEST") as raised:
        environment.url("X_TEST", lambda: "", ("redis", "rediss"))
    assert "hunter2" not in str(raised.value)
    assert "redis://… or rediss://…" in str(raised.value)


SCHEMES = ("redis", "rediss")


def test_named_urls_are_read_by_name(unread, monkeypatch):
    monkeypatch.setenv("X_TEST", "one=redis://:a=b@one:1/0, two-2=rediss://two")
    found = environment.named_urls("X_TEST", {}, SCHEMES)
    assert found == {"one": "redis://:a=b@one:1/0", "two-2": "rediss://two"}


def test_without_named_urls_the_default_holds(unread, monkeypatch):
    monkeypatch.setenv("X_TEST", "")
    assert environment.named_urls("X_TEST", {"one": "redis://one"}, SCHEMES) == {
        "one": "redis://one"
    }


@pytest.mark.parametrize(
    "value",
    [
        "redis://:hunter2@one",
        "one=http://hunter2",
        "=redis://hunter2",
        "One two=redis://hunter2",
        "one=redis://hunter2,one=redis://two",
    ],
)
def test_bad_named_urls_are_never_repeated(unread, monkeypatch, value):
    monkeypatch.setenv("X_TEST", value)
    with pytest.raises(ImproperlyConfigured, match="X_TEST") as raised:
        environment.named_urls("X_TEST", {}, SCHEMES)
    assert "hunter2" not in str(raised.value)
    assert "give name=URL,name=URL, names of a-z, 0-9, - and _" in str(raised.value)


def test_traceback_does_not_show_the_password():
    result = import_settings(**{**GIVEN, "CACHE_URL": "http://user:hunter2@host/"})
    assert "CACHE_URL=(hidden) is not allowed" in last_line(result)
    assert "hunter2" not in result.stderr


def test_empty_means_default(unread, monkeypatch):
    monkeypatch.setenv("X_TEST", " ")
    assert environment.integer("X_TEST", 7) == 7


def test_secret_comes_from_a_file(unread, monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("X_TEST_FILE", str(tmp_path / "secret"))
    assert environment.text("X_TEST") == "from the file"


def test_unreadable_secret_file_is_named(unread, monkeypatch, tmp_path):
    monkeypatch.setenv("X_OTHER_FILE", str(tmp_path / "absent"))
    with pytest.raises(ImproperlyConfigured, match=r"X_OTHER_FILE cannot be read.*absent"):
        environment.text("X_OTHER")


def test_a_command_meets_the_error_though_django_runs_the_settings_again():
    result = run(["manage.py", "check"], {**GIVEN, "DEBUG": "perhaps"})
    assert "DEBUG='perhaps' is not allowed" in last_line(result)


def test_variable_has_one_reader(unread):
    environment.text("X_TEST")
    with pytest.raises(ImproperlyConfigured, match="X_TEST is read twice"):
        environment.text("X_TEST")


def test_dotenv_gives_what_the_environment_lacks(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("X_GIVEN=file\nX_LACKING='from file'\n")
    monkeypatch.setenv("X_GIVEN", "environment")
    monkeypatch.setenv("X_LACKING", "")
    monkeypatch.delenv("X_LACKING")
    environment.load_dotenv(tmp_path / ".env")
    assert (os.environ["X_GIVEN"], os.environ["X_LACKING"]) == ("environment", "from file")


def test_dotenv_line_that_names_no_variable_is_refused_and_not_repeated(tmp_path):
    (tmp_path / ".env").write_text("# ours\n\nexport X_GIVEN=file\nSECRET_KEY = hunter2\n")
    with pytest.raises(ImproperlyConfigured, match=r"\.env, line 4: give NAME=value") as raised:
        environment.load_dotenv(tmp_path / ".env")
    assert "hunter2" not in str(raised.value)
    assert "X_GIVEN" not in os.environ


def test_value_that_begins_with_a_dollar_is_a_value(unread, monkeypatch):
    monkeypatch.setenv("X_KEY", "$k3y")
    assert environment.text("X_KEY", "default") == "$k3y"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("10.0.0.7", "10.0.0.7"),
    ],
)
def test_who_listens_everywhere_is_asked_here(host, expected):
    found = import_settings(LISTEN_HOST=host, shown="OWN_HOST", **GIVEN)
    assert found.stdout.strip() == expected


@pytest.mark.parametrize("hosts", ["*", ".homes.example"])
def test_site_url_is_not_guessed_from_a_pattern(hosts):
    given = {**GIVEN, "PRODUCTION": "true", "ALLOWED_HOSTS": hosts}
    assert f"ALLOWED_HOSTS begins with {hosts}" in last_line(import_settings(**given))
    given["SITE_URL"] = "https://homes.example"
    assert import_settings(**given).returncode == 0


def test_production_starts_with_everything_given():
    result = import_settings(PRODUCTION="true", **GIVEN)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", ["DATABASE_URL", "CACHE_URL", "BROKER_URL"])
def test_production_refuses_local_servers(name):
    result = import_settings(**{**GIVEN, "PRODUCTION": "true", name: ""})
    assert f"{name} is empty: PRODUCTION=true refuses local servers" in last_line(result)


def test_production_refuses_debug():
    result = import_settings(**GIVEN, PRODUCTION="true", DEBUG="true")
    assert "DEBUG=true is not allowed with PRODUCTION=true" in last_line(result)


def test_production_needs_a_secret_key():
    result = import_settings(**{**GIVEN, "PRODUCTION": "true", "SECRET_KEY": ""})
    assert "SECRET_KEY is empty" in last_line(result)
