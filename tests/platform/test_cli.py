"""The program's frame: commands are found by name, imported when used, and end with known codes."""

from __future__ import annotations

import importlib
import json
import os
import re
import stat
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from exchange import embedded
from exchange.cli import COMMANDS, attribute, exchange, instances
from exchange.cli.application import spoken
from exchange.cli.exits import ExitCode, Failed
from exchange.config import ROOT
from exchange.core.crypto import Keyring
from exchange.core.errors import Forbidden, NotFound


class TestCommands:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_of_the_list_exists(self, name: str) -> None:
        module = importlib.import_module(f"exchange.cli.{COMMANDS[name][0]}")
        assert isinstance(getattr(module, attribute(name)), click.Command)

    def test_help_and_samples_import_neither_the_application_nor_the_database(self) -> None:
        program = (
            "import sys\n"
            "from exchange.cli import exchange\n"
            "exchange(['--help'], standalone_mode=False)\n"
            "assert not [m for m in sys.modules if m.startswith('exchange.cli.')]\n"
            "exchange(['sample', '--help'], standalone_mode=False)\n"
            "print([m for m in ('flask', 'sqlalchemy', 'psycopg') if m in sys.modules])\n"
        )
        answer = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert answer.stdout.splitlines()[-1] == "[]"

    def test_unknown_command_ends_with_the_code_of_usage(self) -> None:
        result = CliRunner().invoke(exchange, ["fly"])
        assert result.exit_code == ExitCode.USAGE
        assert "No such command" in result.stderr
        assert result.stdout == ""

    def test_word_of_python_is_found_with_an_underscore(self) -> None:
        assert attribute("import") == "import_"
        assert attribute("db-reset") == "db_reset"


class TestExits:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (NotFound("gone"), ExitCode.ERROR),
            (Forbidden("no"), ExitCode.NOT_ALLOWED),
            (ConnectionRefusedError("down"), ExitCode.NETWORK),
        ],
    )
    def test_refusals_end_with_their_code(self, error: Exception, code: ExitCode) -> None:
        with pytest.raises(Failed) as caught, spoken():
            raise error
        assert caught.value.exit_code == code

    def test_surprise_is_not_hidden(self) -> None:
        with pytest.raises(ZeroDivisionError), spoken():
            raise ZeroDivisionError


class TestSecrets:
    def test_are_made_once_for_their_owner_alone(self, tmp_path: Path) -> None:
        first = instances.secrets_of(tmp_path)
        path = tmp_path / instances.SECRETS
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert instances.secrets_of(tmp_path) == first
        assert [found.name for found in tmp_path.iterdir()] == [instances.SECRETS]

    def test_open_the_keyring(self, tmp_path: Path) -> None:
        found = instances.secrets_of(tmp_path)
        Keyring.from_text(found["EXCHANGE_MASTER_KEYS"])
        version, _, key = found["EXCHANGE_MASTER_KEYS"].partition(":")
        assert (version, len(b64decode(key))) == ("1", 32)
        assert len(found["EXCHANGE_SECRET_KEY"]) >= 32
        assert found["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")

    def test_differ_between_instances(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        one, other = (instances.secrets_of(tmp_path / name) for name in ("a", "b"))
        assert not set(one.values()) & set(other.values())

    def test_unreadable_file_is_never_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / instances.SECRETS
        path.write_text("{")
        with pytest.raises(Failed, match="restore it"):
            instances.secrets_of(tmp_path)
        assert path.read_text() == "{"


class TestRunningInstance:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in list(os.environ):
            if name.startswith(("DATABASE_", "REDIS_", "EXCHANGE_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("EXCHANGE_DATA", str(tmp_path))
        return tmp_path

    def test_is_found_by_other_commands_while_it_runs(self, folder: Path) -> None:
        with (
            embedded.servers(folder, postgres=False, valkey=False),
            instances.announced(folder, {"DATABASE_URL": "postgresql://here"}),
        ):
            assert instances.environment()["DATABASE_URL"] == "postgresql://here"
        with pytest.raises(Failed, match="exchange up"):
            instances.environment()

    def test_is_not_found_after_it_was_killed(self, folder: Path) -> None:
        (folder / instances.RUNNING).write_text(json.dumps({"DATABASE_URL": "postgresql://gone"}))
        with pytest.raises(Failed, match="No instance runs here"):
            instances.environment()

    def test_environment_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere")
        assert instances.environment()["DATABASE_URL"] == "postgresql://elsewhere"
        with pytest.raises(Failed, match="REDIS_URL is missing"):
            instances.settings()


class TestLock:
    LOCK = (ROOT / "requirements.lock").read_text()

    def test_names_no_host(self) -> None:
        assert "://" not in self.LOCK

    def test_pins_every_package_by_version_and_hash(self) -> None:
        blocks = re.split(r"\n(?=\S)", self.LOCK.strip())
        packages = [block for block in blocks if not block.startswith("#")]
        assert packages
        for block in packages:
            assert re.match(r"[a-z0-9._-]+==\S+", block), block
            assert "--hash=sha256:" in block, block

    def test_holds_everything_that_is_asked_for(self) -> None:
        lines = (ROOT / "requirements.in").read_text().splitlines()
        asked = {re.split(r"[\[=<>#; ]", line)[0] for line in lines if line[:1].isalpha()}
        locked = set(re.findall(r"^([a-z0-9._-]+)==", self.LOCK, re.MULTILINE))
        assert asked - locked == set()
