"""`exchange sample`: the numbers are those of the modules, the words tell people what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

from exchange.cli.sample import sample
from exchange.verification.draw import full_order
from exchange.verification.plans import HOUSE_RISKS
from exchange.verification.sampling import actual_risks
from exchange.verification.tuning import tuned_plan

SEED = sha256(b"seed").hexdigest()
LEAVES = [sha256(bytes([i])).digest() for i in range(30)]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(sample, [str(argument) for argument in arguments])


def answer(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


class TestPlan:
    def test_house_plan(self):
        found = answer("plan", "--size", "1000")
        assert found["plan"] == "LX-15"
        assert found["looks"] == [22, 36, 50, 64, 78, 92]
        assert found["accept"] == [0, 1, 2, 3, 4, 6]
        assert found["reject"] == [3, 4, 5, 6, 7, 7]
        assert found["alpha"] == pytest.approx(0.0434446377039702, abs=1e-9)
        assert found["beta"] == pytest.approx(0.045799197760696284, abs=1e-9)
        assert found["expected_checks"] == pytest.approx(
            {"nil": 22, "p1": 33.99108683745565, "p2": 22.361276740403074}, abs=1e-9
        )

    @pytest.mark.parametrize(
        ("flags", "single"),
        [
            ("20", (17, 1)),
            ("20 --rounding floor", (12, 0)),
            ("20 --rounding fair", (17, 1)),
            ("50 --p1 .03", (29, 2)),
            ("1000 --kind single --p2 0.10", (113, 6)),
            ("1000 --kind single --p1 0.02 --p2 0.08", (125, 5)),
            ("1000 --kind single", (58, 4)),
            ("200000", (519, 22)),
        ],
    )
    def test_single_plans(self, flags: str, single: tuple[int, int]):
        found = answer("plan", "--size", *flags.split())
        n, c = single
        assert found["plan"] == "single"
        assert (found["looks"], found["accept"], found["reject"]) == ([n], [c], [c + 1])
        assert max(found["alpha"], found["beta"]) <= 0.05

    @pytest.mark.parametrize("flags", ["--p1 .03", "--alpha 0.05", "--p2 15/100", "--kind waves"])
    def test_any_risk_gets_a_tuned_plan(self, flags: str):
        found = answer("plan", "--size", "1000", *flags.split())
        plan = tuned_plan(1_000, risks=HOUSE_RISKS)
        assert (found["plan"], found["looks"]) == ("tuned", list(plan.looks))
        assert (found["accept"], found["reject"]) == (list(plan.accept), list(plan.reject))
        assert found["alpha"] == pytest.approx(actual_risks(plan).alpha, abs=1e-12)
        assert (found["rounding"], found["single"]) == ("floor", {"n": 58, "accept": 4})
        assert found["expected_checks"]["p1"] < 40

    def test_one_plan_for_lots_of_any_size(self):
        flags = ("--kind", "any-size", "--p2", ".2")
        small, large = (answer("plan", "--size", size, *flags) for size in ("100", "1000000"))
        assert small["looks"] == large["looks"]
        refused = run("plan", "--size", "30", *flags)
        assert refused.exit_code == 2
        assert "needs a lot of at least" in refused.stderr

    def test_tripwire(self):
        found = answer("plan", "--size", "100000", "--kind", "tripwire")
        assert (found["plan"], found["looks"], found["accept"]) == ("tripwire", [19], [0])
        assert found["alpha"] == pytest.approx(0.44, abs=0.005)
        assert found["beta"] <= 0.05

    def test_for_people(self):
        text = run("plan", "--size", "1000").stdout
        assert "Plan LX-15 for a lot of 1,000 leads" in text
        assert (
            "A lot with 30 bad leads (the point 3 %) is rejected with probability 4.344 %" in text
        )

    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            ([], "Missing option '--size'"),
            (["--size", "0"], "--size"),
            (["--size", "50", "--p1", "3"], "write 3 % as 0.03"),
            (["--size", "50", "--p1", "1/0"], "write 3 % as 0.03"),
            (["--size", "50", "--p1", "0.2"], "p1 must be smaller than p2"),
            (["--size", "50", "--beta", "0"], "alpha and beta"),
            (["--size", "50", "--rounding", "up"], "fair"),
            (["--size", "50", "--kind", "iso"], "tripwire"),
            (["--size", "50", "--kind", "tripwire", "--alpha", ".1"], "leave out --alpha"),
            (["--size", "5000", "--kind", "any-size", "--p2", ".031"], "too close"),
            (["--size", "50", "--beta", "1e-12"], "no plan is so exact"),
        ],
    )
    def test_wrong_use_says_what_to_do(self, flags: list[str], told: str):
        result = run("plan", *flags)
        assert result.exit_code == 2
        assert told in result.stderr
        assert not result.stdout


class TestOc:
    FLAGS = ("oc", "--size", "100", "--n", "35", "--accept", "2", "--bad")

    def test_probability(self):
        assert answer(*self.FLAGS, "15") == {"pa": pytest.approx(0.04781213423233233, abs=1e-12)}
        assert "accepted with probability 4.781 %" in run(*self.FLAGS, "15").stdout

    def test_more_bad_than_leads_is_refused(self):
        result = run(*self.FLAGS, "101")
        assert result.exit_code == 2
        assert "a lot of 100 cannot hold 101 bad leads" in result.stderr


class TestBounds:
    FLAGS = ("bounds", "--n", "92", "--bad", "6")

    def test_hypergeometric_is_the_default_and_two_sided(self):
        found = answer(*self.FLAGS, "--size", "10000")
        assert found == {
            "lower": 0.0245, "upper": 0.1362, "lower_count": 245, "upper_count": 1362,
        }  # fmt: skip
        text = run(*self.FLAGS, "--size", "10000").stdout
        assert "245 to 1,362 of 10,000 leads" in text
        assert "together with 95 % confidence (hypergeometric)" in text

    def test_one_sided(self):
        flags = ("bounds", "--size", "1000", "--n", "36", "--bad", "1", "--sides", "1")
        assert answer(*flags)["upper_count"] == 123
        assert "each with 95 %" in run(*flags).stdout

    @pytest.mark.parametrize(
        ("method", "lower", "upper"),
        [
            ("clopper-pearson", 0.09479401167464745, 0.2215369083185114),
            ("jeffreys", 0.0988917269128361, 0.2158663399982085),
        ],
    )
    def test_other_methods_need_no_size(self, method: str, lower: float, upper: float):
        flags = ("--n", "100", "--bad", "15", "--confidence", "0.9", "--method", method)
        found = answer("bounds", *flags)
        assert found == {
            "lower": pytest.approx(lower, abs=1e-9),
            "upper": pytest.approx(upper, abs=1e-9),
        }
        assert "of the" not in run("bounds", *flags).stdout

    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            ((), "need --size"),
            (("--size", "50"), "cannot be drawn from a lot of 50"),
            (("--size", "500", "--confidence", "1"), "confidence between 0 and 1"),
            (("--size", "500", "--sides", "3"), "--sides"),
        ],
    )
    def test_wrong_use_says_what_to_do(self, flags: tuple[str, ...], told: str):
        result = run(*self.FLAGS, *flags)
        assert result.exit_code == 2
        assert told in result.stderr


class TestDraw:
    WRITERS: ClassVar[dict[str, Callable[[list[bytes]], bytes]]] = {
        "binary": b"".join,
        "text": lambda leaves: "\n".join(leaf.hex() for leaf in leaves).encode() + b"\n",
        "text from Windows": lambda leaves: "\r\n".join(
            leaf.hex().upper() for leaf in leaves
        ).encode(),
    }

    @pytest.mark.parametrize("form", WRITERS)
    def test_order_of_a_leaves_file(self, tmp_path: Path, form: str):
        path = tmp_path / "leaves"
        path.write_bytes(self.WRITERS[form](LEAVES))
        wanted = list(full_order(bytes.fromhex(SEED), LEAVES))
        assert answer("draw", "--seed", SEED, "--leaves", path) == {"order": wanted}
        assert answer("draw", "--seed", SEED, "--leaves", path, "--first", "4") == {
            "order": wanted[:4]
        }
        lines = run("draw", "--seed", SEED, "--leaves", path).stdout.splitlines()
        assert lines == [str(place) for place in wanted]

    def test_a_single_leaf(self, tmp_path: Path):
        for written in (LEAVES[0], LEAVES[0].hex().encode()):
            (tmp_path / "leaves").write_bytes(written)
            assert answer("draw", "--seed", SEED, "--leaves", tmp_path / "leaves") == {"order": [0]}

    @pytest.mark.parametrize(
        ("written", "told"),
        [
            (b"", "holds no leaf"),
            (bytes(33), "whole 32-byte leaf"),
            (b"a" * 64 + b"\nb\n", "line 2 is not 64 hexadecimal digits"),
        ],
    )
    def test_a_broken_file_is_an_error(self, tmp_path: Path, written: bytes, told: str):
        (tmp_path / "leaves").write_bytes(written)
        result = run("draw", "--seed", SEED, "--leaves", tmp_path / "leaves")
        assert result.exit_code == 1
        assert told in result.stderr

    @pytest.mark.parametrize("seed", ["", "abc", "g" * 64, SEED + "00"])
    def test_a_wrong_seed_is_a_usage_error(self, tmp_path: Path, seed: str):
        (tmp_path / "leaves").write_bytes(bytes(32))
        result = run("draw", "--seed", seed, "--leaves", tmp_path / "leaves")
        assert result.exit_code == 2
        assert "64 hexadecimal digits" in result.stderr

    def test_a_missing_file_is_a_usage_error(self, tmp_path: Path):
        assert run("draw", "--seed", SEED, "--leaves", tmp_path / "none").exit_code == 2


def test_the_commands_load_neither_scipy_nor_the_database():
    code = (
        "import sys, exchange.cli.sample;"
        "print(sorted({'scipy', 'numpy', 'sqlalchemy', 'flask'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
