"""The servers on this machine: real ones, killed for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from exchange import embedded
from exchange.config import ROOT
from exchange.embedded import orphans, runas
from exchange.embedded.errors import EmbeddedError, ForeignData, InUse
from exchange.embedded.lock import FolderLock, is_held
from exchange.embedded.postgres import Postgres
from exchange.embedded.valkey import Valkey
from tests.waiting import eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells of a parent's death"
)

OWNER = """
import os, sys
from pathlib import Path
from exchange import embedded
with embedded.servers(Path(sys.argv[1]), tuning=embedded.TESTS) as servers:
    print(servers.postgres.pid, servers.valkey.pid, servers.postgres.data, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    path = tmp_path_factory.mktemp("i")
    yield path
    embedded.erase(path)


def write(url: str, number: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def read(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM kept ORDER BY 1")]


def show(url: str, setting: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SHOW {setting}").fetchone()
        return row[0] if row else ""


def kill(server: Postgres | Valkey) -> None:
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: not server.is_alive())


def test_data_survives_a_stop_and_a_start(folder: Path) -> None:
    with embedded.servers(folder, tuning=embedded.TESTS) as servers:
        write(servers.database_url, 1)
    with embedded.servers(folder, tuning=embedded.TESTS) as servers:
        assert read(servers.database_url) == [1]


def test_killed_servers_come_back_with_their_data_at_the_same_address(folder: Path) -> None:
    with embedded.servers(folder, tuning=embedded.TESTS) as servers:
        assert servers.postgres
        assert servers.valkey
        for number in range(3):
            write(servers.database_url, number)
            kill(servers.postgres)
            servers.postgres.start()
            assert read(servers.database_url) == list(range(number + 1))
        with redis.Redis.from_url(servers.redis_url) as client:
            client.rpush("queue", "job")
            kill(servers.valkey)
            servers.valkey.start()
            assert client.lrange("queue", 0, -1) == [b"job"]


def test_two_folders_run_side_by_side(tmp_path_factory: pytest.TempPathFactory) -> None:
    first, second = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    with (
        embedded.servers(first, tuning=embedded.TESTS) as one,
        embedded.servers(second, tuning=embedded.TESTS) as other,
    ):
        write(one.database_url, 1)
        write(other.database_url, 2)
        assert (read(one.database_url), read(other.database_url)) == ([1], [2])
        assert one.redis_url != other.redis_url
    for path in (first, second):
        embedded.erase(path)


def test_second_owner_of_a_folder_is_refused(folder: Path) -> None:
    with (
        embedded.servers(folder, postgres=False, valkey=False),
        pytest.raises(InUse, match=f"by process {os.getpid()}"),
        embedded.servers(folder, postgres=False, valkey=False),
    ):
        pass
    assert not is_held(folder)


def test_lock_is_seen_while_it_is_held(folder: Path) -> None:
    lock = FolderLock(folder)
    lock.take()
    assert is_held(folder)
    lock.release()
    assert not is_held(folder)


def test_commits_are_answered_when_they_are_written(folder: Path) -> None:
    with embedded.servers(folder, valkey=False) as servers:
        url = servers.database_url
        assert show(url, "synchronous_commit") == "on"
        assert show(url, "fsync") == "on"
        assert show(url, "shared_buffers") == "512MB"
        assert show(url, "max_wal_size") == "4GB"
        with psycopg.connect(url) as connection:
            lowered = connection.execute("SELECT lower('ПРИВЕТ'), 'Шоу' ILIKE 'шоу'").fetchone()
        assert lowered == ("привет", True)


class TestWhatIsNotOurs:
    def test_folder_that_holds_no_database_is_left_alone(self, folder: Path) -> None:
        stranger = folder / "postgres" / "letters.txt"
        stranger.parent.mkdir()
        stranger.write_text("dear")
        with pytest.raises(ForeignData), embedded.servers(folder, valkey=False):
            pass
        assert stranger.read_text() == "dear"
        assert [path.name for path in stranger.parent.iterdir()] == ["letters.txt"]

    def test_data_of_a_version_that_is_not_here_is_left_alone(self, folder: Path) -> None:
        (folder / "postgres").mkdir()
        (folder / "postgres" / "PG_VERSION").write_text("11\n")
        with pytest.raises(EmbeddedError, match="PostgreSQL 11"), embedded.servers(folder):
            pass

    def test_server_with_another_data_directory_is_refused(
        self, folder: Path, tmp_path: Path
    ) -> None:
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
            ours = Postgres(tmp_path, tuning=embedded.TESTS)
            with pytest.raises(ForeignData, match="nothing was changed"):
                ours.check_ours(servers.database_url)

    def test_pid_file_that_names_a_stranger_does_not_harm_the_stranger(self, folder: Path) -> None:
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
            write(servers.database_url, 1)
            assert servers.postgres
            pid_file = servers.postgres.data / "postmaster.pid"
        pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n")
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
            assert read(servers.database_url) == [1]


class TestOwnerDies:
    def start_owner(self, folder: Path) -> tuple[subprocess.Popen[str], list[int], Path]:
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(folder)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert owner.stdout
        postgres, valkey, data = owner.stdout.readline().split()
        return owner, [int(postgres), int(valkey)], Path(data)

    @on_linux
    def test_nothing_stays_behind_an_owner_that_was_killed(self, folder: Path) -> None:
        owner, (postgres, valkey), data = self.start_owner(folder)
        assert orphans.works_in(postgres, data)
        with owner:
            owner.kill()
        eventually(lambda: not orphans.works_in(postgres, data))
        eventually(lambda: not orphans.works_in(valkey, folder / "valkey"))
        with embedded.servers(folder, tuning=embedded.TESTS):
            assert not orphans.works_in(postgres, data)

    def test_what_stayed_behind_is_ended_by_the_next_start(self, folder: Path) -> None:
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
            write(servers.database_url, 1)
            assert servers.postgres
            successor = Postgres(folder, tuning=embedded.TESTS)
            try:
                successor.start()
                assert not servers.postgres.is_alive()
                assert read(successor.url()) == [1]
            finally:
                successor.stop()


def test_folder_too_deep_for_a_socket_gets_a_port_with_a_password(folder: Path) -> None:
    deep = folder / ("d" * 100)
    with embedded.servers(deep, tuning=embedded.TESTS) as servers:
        assert "127.0.0.1" in servers.database_url
        write(servers.database_url, 1)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
        assert show(servers.database_url, "listen_addresses") == "127.0.0.1"
        password = (deep / "password").read_text()
        for url in (servers.database_url, servers.redis_url):
            assert password in url
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(servers.database_url.replace(password, "guess"))
        with (
            redis.Redis.from_url(servers.redis_url.replace(password, "guess")) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()
    embedded.erase(deep)


def test_damaged_queue_is_set_aside(folder: Path) -> None:
    with (
        embedded.servers(folder, postgres=False) as servers,
        redis.Redis.from_url(servers.redis_url) as client,
    ):
        client.set("known", "yes")
    base = next((folder / "valkey").glob("appendonlydir/*.manifest"))
    base.write_text("not a manifest")
    with (
        embedded.servers(folder, postgres=False) as servers,
        redis.Redis.from_url(servers.redis_url) as client,
    ):
        assert client.get("known") is None
    assert list(folder.glob("valkey.damaged-*"))


class TestRoot:
    @pytest.fixture
    def without_namespaces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(runas, "NAMESPACE", runas.Identity(prefix=("/nonexistent/unshare",)))

    @pytest.fixture
    def open_folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="exchange-") as name:
            Path(name).chmod(0o711)
            yield Path(name) / "i"

    @as_root
    def test_data_that_nobody_can_reach_is_not_replaced_by_an_empty_database(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS):
            pass
        assert folder.parent.stat().st_mode & 0o077 == 0
        monkeypatch.setattr(runas, "NAMESPACE", runas.Identity(prefix=("/nonexistent/unshare",)))
        with (
            pytest.raises(EmbeddedError, match="user namespaces"),
            embedded.servers(folder, valkey=False, tuning=embedded.TESTS),
        ):
            pass

    @as_root
    @pytest.mark.usefixtures("without_namespaces")
    def test_becomes_nobody_where_namespaces_are_forbidden(self, open_folder: Path) -> None:
        folder = open_folder
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
            assert servers.postgres
            assert servers.postgres.data.stat().st_uid == runas.nobody().uid
            write(servers.database_url, 1)
            kill(servers.postgres)
            servers.postgres.start()
            assert read(servers.database_url) == [1]

    @as_root
    def test_data_made_in_a_namespace_is_taken_over_by_nobody(
        self, open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = open_folder
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
            write(servers.database_url, 1)
        monkeypatch.setattr(runas, "NAMESPACE", runas.Identity(prefix=("/nonexistent/unshare",)))
        with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
            assert read(servers.database_url) == [1]

    @as_root
    @pytest.mark.usefixtures("without_namespaces")
    def test_opens_no_folder_above_its_own(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with embedded.servers(closed / "i", valkey=False, tuning=embedded.TESTS) as servers:
            assert servers.postgres
            place = runas.elsewhere(closed / "i")
            assert place == servers.postgres.data.parent
        assert closed.stat().st_mode & 0o777 == 0o700
        embedded.erase(closed / "i")
        assert place
        assert not place.exists()


def test_half_made_cluster_is_made_again(folder: Path) -> None:
    half = folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with embedded.servers(folder, valkey=False, tuning=embedded.TESTS) as servers:
        write(servers.database_url, 1)
    assert not half.exists()


def test_erased_folder_is_gone(folder: Path) -> None:
    with embedded.servers(folder, postgres=False), pytest.raises(InUse):
        embedded.erase(folder)
    embedded.erase(folder)
    assert not folder.exists()
