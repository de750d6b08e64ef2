"""The local servers: configured for their work, private, and safe with their data."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests import servers
from tests.waiting import eventually
from web.local_servers import Guardian, LocalServerError, Stage, identity, ports
from web.local_servers.postgres import NO_DURABILITY, Postgres
from web.local_servers.valkey import BROKER, CACHE, Valkey


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "a folder"


@pytest.fixture
def guardian():
    with closing(Guardian()) as guardian:
        yield guardian


def test_servers_are_configured_for_their_work():
    cache, broker = (
        redis.Redis.from_url(s.url) for s in (servers.stack.cache, servers.stack.broker)
    )
    with cache, broker:
        assert cache.config_get("maxmemory-policy", "maxmemory", "appendonly", "save", "bind") == {
            "maxmemory-policy": "volatile-lfu",
            "maxmemory": str(256 * 2**20),
            "appendonly": "no",
            "save": "",
            "bind": "127.0.0.1",
        }
        assert broker.config_get("maxmemory-policy", "appendonly") == {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
        }


@pytest.mark.parametrize("server", ["cache", "broker"])
def test_server_wants_its_password(server):
    once = Retry(NoBackoff(), 0)
    stranger = redis.Redis(port=getattr(servers.stack, server).port, retry=once)
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_database_wants_its_password():
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(servers.stack.database.url.replace(servers.stack.database.password, "x"))


def test_passwords_are_not_in_the_process_list():
    shown = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # PostgreSQL's come and go
            shown.append(" ".join(process.cmdline()))
    assert any("valkey-server" in line for line in shown)
    for server in (servers.stack.database, servers.stack.cache, servers.stack.broker):
        assert not any(server.password in line for line in shown)


def test_broker_keeps_its_messages_over_a_crash(guardian, folder):
    first = Valkey("broker", guardian, folder, BROKER)
    first.start()
    with redis.Redis.from_url(first.url) as client:
        client.lpush("queue", "message")
    first.kill()
    second = Valkey("broker", guardian, folder, BROKER)
    second.start()
    with redis.Redis.from_url(second.url) as client:
        assert client.lrange("queue", 0, -1) == [b"message"]


def test_orphan_in_the_folder_is_ended_before_the_next_server_starts(guardian, folder):
    orphan = Valkey("broker", guardian, folder, BROKER)
    orphan.start()
    Valkey("broker", guardian, folder, BROKER).start()
    eventually(lambda: not orphan.running)


def test_frozen_server_ends_in_good_order(guardian, folder):
    server = Valkey("cache", guardian, folder, CACHE)
    server.start()
    server.freeze()
    once = Retry(NoBackoff(), 0)
    client = redis.Redis.from_url(server.url, socket_timeout=0.2, retry=once)
    with client, pytest.raises(redis.TimeoutError):
        client.ping()
    server.stop()
    assert not server.running
    assert "bye bye" in server.last_words()


def test_wrong_postgres_bin_is_named(guardian, folder):
    server = Postgres("database", guardian, folder)
    server.bin_folder = "/nowhere"
    with pytest.raises(LocalServerError, match="POSTGRES_BIN='/nowhere' has no program"):
        server.start()


@pytest.mark.parametrize(("version", "told"), [(17, False), (18, True), (19, True)])
def test_postgres_is_told_to_read_for_itself_if_it_knows_how(guardian, folder, version, told):
    folder.mkdir()
    server = Postgres("database", guardian, folder)
    server._major = version
    assert ("--io_method=sync" in server._options()) is told


def new_database(guardian: Guardian, folder: Path) -> Postgres:
    return Postgres("database", guardian, folder, NO_DURABILITY)


def ask(server: Postgres, question: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(server.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchall() if cursor.description else []


def test_database_keeps_its_data_over_stop_and_crash(guardian, folder):
    first = new_database(guardian, folder)
    first.start()
    ask(first, "CREATE TABLE home AS SELECT 'Ålesund' AS city")
    first.stop()
    second = new_database(guardian, folder)
    second.start()
    assert ask(second, "SELECT lower(city) FROM home") == [("ålesund",)]
    second.kill()

    # The file of a crashed server names a process id, which may be somebody else's by now.
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    stranger = guardian.spawn([*second._identity.prefix, "sleep", "1000"], Stage.CLIENT)
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    third = new_database(guardian, folder)
    third.start()
    assert ask(third, "SELECT city FROM home") == [("Ålesund",)]
    assert stranger.poll() is None


def test_half_made_database_is_made_again(guardian, folder):
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    server = new_database(guardian, folder)
    server.start()
    assert ask(server, "SELECT 1") == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
class TestRoot:
    """PostgreSQL refuses to be root; there are three ways round, for three kinds of machine."""

    @pytest.mark.parametrize("way", range(3), ids=["nobody", "namespace", "capability"])
    def test_each_way_runs_a_server(self, guardian, tmp_path, monkeypatch, way):
        server = new_database(guardian, tmp_path / "a folder")
        chosen = list(identity._candidates())[way]
        if way == 0:
            opened = [p for p in tmp_path.parents if len(p.parts) > 2]
            for parent in (tmp_path, *opened):
                parent.chmod(parent.stat().st_mode | 0o011)
        server.folder.mkdir()
        if not identity._works(chosen, server.program, server.folder):
            pytest.skip("this machine does not allow it")
        monkeypatch.setattr(identity, "_candidates", lambda: iter([chosen]))
        server.start()
        assert ask(server, "SELECT 1") == [(1,)]
        server.stop()

    def test_data_change_hands(self, guardian, folder, monkeypatch):
        usable = partial(identity._works, program=new_database(guardian, folder).program)
        folder.mkdir()
        ways = [way for way in list(identity._candidates())[1:] if usable(way, folder=folder)]
        if len(ways) < 2:
            pytest.skip("this machine allows one way only")
        for way in (*ways, *ways):
            monkeypatch.setattr(identity, "_candidates", lambda way=way: iter([way]))
            server = new_database(guardian, folder)
            server.start()
            server.stop()

    def test_closed_folder_is_noticed(self, tmp_path):
        program = Path(servers.stack.database.program)
        tmp_path.chmod(0o700)
        nobody, *_ = identity._candidates()
        assert not identity._works(nobody, program, tmp_path)
        assert identity.choose(program, tmp_path) != nobody

    def test_no_way_is_one_sentence(self, tmp_path, monkeypatch):
        monkeypatch.setattr(identity, "_candidates", lambda: iter([]))
        with pytest.raises(LocalServerError, match=r"does not run as root.*set DATABASE_URL"):
            identity.choose(Path("/bin/true"), tmp_path)


def test_server_moves_when_its_port_is_taken_before_its_first_start(guardian, folder):
    server = Valkey("cache", guardian, folder, CACHE)
    with ports.bound(server.port):
        taken = server.port
        server.start()
    assert server.port != taken
    assert server.answers()


def test_server_that_has_run_never_moves(guardian, folder):
    server = Valkey("cache", guardian, folder, CACHE)
    server.start()
    url = server.url
    server.kill()
    with ports.bound(server.port), pytest.raises(LocalServerError, match="ended while starting"):
        server.start()
    assert server.url == url


def test_server_starts_again_on_its_port(guardian, folder):
    server = Valkey("cache", guardian, folder, CACHE)
    server.start()
    url = server.url
    server.kill()
    assert not server.running
    server.start()
    assert server.url == url
    assert server.answers()
