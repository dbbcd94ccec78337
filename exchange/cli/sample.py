"""`exchange sample`: plans, probabilities, bounds and draws, worked out here without a database.

What a batch page claims can be recomputed with these commands from public numbers alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from exchange.leads.seal import HASH_SIZE, read_leaves
from exchange.verification import bounds as exact
from exchange.verification.distributions import hypergeometric_cdf
from exchange.verification.draw import first, full_order
from exchange.verification.plans import (
    HOUSE_RISKS,
    Risks,
    Rounding,
    SamplingPlan,
    house_plan,
    single_plan,
)
from exchange.verification.sampling import actual_risks, expected_checks
from exchange.verification.tripwires import tripwire_plan
from exchange.verification.tuning import tuned_pattern, tuned_plan


class Share(click.ParamType[Fraction]):
    """A number between 0 and 1, kept as the exact fraction that was typed."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fraction:  # Any: click's signature
        """The fraction; fails with what to write instead."""
        try:
            share = Fraction(value)
        except (ValueError, ZeroDivisionError):
            share = Fraction(-1)
        if not 0 <= share <= 1:
            self.fail(f"{value!r} is no share: write 3 % as 0.03", param, ctx)
        return share


SHARE = Share()
COUNT = click.IntRange(0, 1_000_000_000)
SIZE = click.IntRange(1, 1_000_000_000)


def any_size_plan(size: int, *, risks: Risks, rounding: Rounding | None) -> SamplingPlan:
    """The plan that serves every lot from its last look on, for this one."""
    return tuned_pattern(risks).at(size, rounding=rounding)


KINDS: Mapping[str, Callable[..., SamplingPlan]] = {
    "waves": tuned_plan,
    "any-size": any_size_plan,
    "single": single_plan,
    "tripwire": tripwire_plan,
}

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def sample() -> None:
    """Sampling plans, their risks, exact bounds, and the order of a draw."""


@sample.command()
@click.option("--size", type=SIZE, required=True, help="Leads in the lot.")
@click.option("--p1", type=SHARE, help="Bad share at which the seller is protected [0.03].")
@click.option("--alpha", type=SHARE, help="Risk that a lot at p1 is rejected [0.05].")
@click.option("--p2", type=SHARE, help="Bad share at which the buyer is protected [0.15].")
@click.option("--beta", type=SHARE, help="Risk that a lot at p2 is accepted [0.05].")
@click.option(
    "--rounding",
    type=click.Choice([rounding.value for rounding in Rounding]),
    help="Bad leads at p1: rounded up (fair) or down (floor) [fair below 100 leads].",
)
@click.option(
    "--kind",
    type=click.Choice(sorted(KINDS)),
    help="The plan in waves for this size or any size, the exact single sample, or a tripwire.",
)
@as_json
def plan(
    *, size: int, rounding: str | None, kind: str | None, as_json: bool, **points: Fraction | None
) -> None:
    """Show the plan for a lot.

    That is the house plan of its size or, with any risk given, the plan in waves that holds these
    risks with the fewest checks: a single sample below 100 leads and where waves save nothing. A
    risk that is not given is the one in brackets.

    A tripwire is the smallest sample without a bad lead that shows a lot to be better than p2. A
    plan for any size serves every lot from its last look on.
    """
    given = {name: share for name, share in points.items() if share is not None}
    by = Rounding(rounding) if rounding else None
    with _as_usage():
        if kind or given:
            risks = _risks(given, kind=kind)
            chosen = KINDS[kind or "waves"](size, risks=risks, rounding=by)
        else:
            chosen = house_plan(size, rounding=by)
    if as_json:
        _print_json(_plan_answer(chosen))
    else:
        _print_lines(_plan_lines(chosen))


@sample.command()
@click.option("--size", type=SIZE, required=True, help="Leads in the lot.")
@click.option("--bad", type=COUNT, required=True, help="Bad leads in the lot.")
@click.option("--n", type=COUNT, required=True, help="Leads drawn.")
@click.option("--accept", type=COUNT, required=True, help="Most bad leads in an accepted sample.")
@as_json
def oc(*, size: int, bad: int, n: int, accept: int, as_json: bool) -> None:
    """Show how likely a sample accepts a lot.

    Exact, for a single sample without replacement.
    """
    with _as_usage():
        pa = hypergeometric_cdf(accept, population=size, bad=bad, drawn=n)
    if as_json:
        _print_json({"pa": pa})
    else:
        lot = f"A lot of {size:,} leads with {bad:,} bad ones"
        click.echo(f"{lot} is accepted with probability {_percent(pa)} (n = {n}, c = {accept}).")


@sample.command()
@click.option("--size", type=SIZE, help="Leads in the lot; hypergeometric bounds need it.")
@click.option("--n", type=SIZE, required=True, help="Leads drawn.")
@click.option("--bad", type=COUNT, required=True, help="Bad leads among them.")
@click.option("--confidence", type=SHARE, default="0.95", show_default=True)
@click.option("--sides", type=click.IntRange(1, 2), default=2, show_default=True)
@click.option(
    "--method",
    type=click.Choice(["hypergeometric", "clopper-pearson", "jeffreys"]),
    default="hypergeometric",
    show_default=True,
)
@as_json
def bounds(
    *, size: int | None, n: int, bad: int, method: str, as_json: bool, **level: Any
) -> None:  # Any: confidence and sides, checked by click
    """Bound the bad share of a lot.

    For a sample whose size was fixed beforehand, not for one that stopped at a look.
    """
    with _as_usage():
        tail = exact.tail_of(level["confidence"], sides=level["sides"])
        found = _bounds(bad, drawn=n, size=size, method=method, tail=tail)
    if as_json:
        _print_json(_bounds_answer(found))
    else:
        _print_lines(_bounds_lines(found, size=size, method=method, **level))


@sample.command()
@click.option("--seed", required=True, help="The revealed seed: 64 hexadecimal digits.")
@click.option(
    "--leaves",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The published leaves: 32 bytes each, or one line of 64 hexadecimal digits each.",
)
@click.option("--first", "n", type=SIZE, help="Only so many, remembering no more than these.")
@as_json
def draw(*, seed: str, leaves: Path, n: int | None, as_json: bool) -> None:
    """Draw the leaves of a lot.

    Prints the order as 0-based places in the file.
    """
    key = _seed(seed)
    try:
        order = first(key, _leaves(leaves), n=n) if n else full_order(key, _leaves(leaves))
    except ValueError as error:
        raise click.ClickException(f"{leaves}: {error}") from None
    if not order:
        raise click.ClickException(f"{leaves} holds no leaf: give the published leaves file")
    if as_json:
        _print_json({"order": list(order)})
    else:
        _print_lines(map(str, order))


def _risks(given: Mapping[str, Fraction], *, kind: str | None) -> Risks:
    if kind == "tripwire" and "alpha" in given:
        raise ValueError("a tripwire promises the seller nothing: leave out --alpha")
    return replace(HOUSE_RISKS, **given)


def _plan_answer(plan: SamplingPlan) -> dict[str, object]:
    risks = actual_risks(plan)
    single = single_plan(plan.size, risks=plan.risks, rounding=plan.rounding)
    return {
        "plan": plan.name,
        "size": plan.size,
        "looks": plan.looks,
        "accept": plan.accept,
        "reject": plan.reject,
        "alpha": risks.alpha,
        "beta": risks.beta,
        "bad_at_p1": plan.bad_at_p1,
        "bad_at_p2": plan.bad_at_p2,
        "expected_checks": {
            "nil": expected_checks(plan, 0),
            "p1": expected_checks(plan, plan.bad_at_p1),
            "p2": expected_checks(plan, plan.bad_at_p2),
        },
        "rounding": plan.rounding.value,
        "single": {"n": single.looks[0], "accept": single.accept[0]},
    }


def _plan_lines(plan: SamplingPlan) -> Iterator[str]:
    risks, fine, foul = actual_risks(plan), plan.bad_at_p1, plan.bad_at_p2
    yield f"Plan {plan.name} for a lot of {plan.size:,} leads"
    yield ""
    yield "  checked   accept if bad <=   reject if bad >="
    for n, accept, reject in zip(plan.looks, plan.accept, plan.reject, strict=True):
        yield f"  {n:7}   {accept:16}   {reject:16}"
    yield ""
    yield _risk_line(fine, plan.risks.p1, verdict="rejected", risk=risks.alpha)
    yield _risk_line(foul, plan.risks.p2, verdict="accepted", risk=risks.beta)
    yield "Checks to expect, ending at the bad lead that rejects:"
    for bad in (0, fine, foul):
        yield f"  {expected_checks(plan, bad):7.1f}   with {bad:,} bad in the lot"
    single = single_plan(plan.size, risks=plan.risks, rounding=plan.rounding)
    if plan.looks != single.looks:
        yield f"A single sample that keeps both promises takes {single.looks[0]:,} checks."


def _risk_line(bad: int, share: Fraction, *, verdict: str, risk: float) -> str:
    lot = f"A lot with {bad:,} bad leads (the point {_percent(share)})"
    return f"{lot} is {verdict} with probability {_percent(risk)}."


def _bounds(bad: int, *, drawn: int, size: int | None, method: str, tail: float) -> exact.Bounds:
    if method == "clopper-pearson":
        return exact.clopper_pearson_bounds(bad, drawn=drawn, tail=tail)
    if method == "jeffreys":
        return exact.jeffreys_bounds(bad, drawn=drawn, tail=tail)
    if size is None:
        raise ValueError("hypergeometric bounds need --size; without it use clopper-pearson")
    return exact.hypergeometric_bounds(bad, drawn=drawn, population=size, tail=tail)


def _bounds_answer(found: exact.Bounds) -> dict[str, float]:
    answer: dict[str, float] = {"lower": found.lower, "upper": found.upper}
    if found.lower_count is not None and found.upper_count is not None:
        answer |= {"lower_count": found.lower_count, "upper_count": found.upper_count}
    return answer


def _bounds_lines(
    found: exact.Bounds, *, size: int | None, method: str, confidence: Fraction, sides: int
) -> Iterator[str]:
    held = "each with" if sides == 1 else "together with"
    yield f"Bad share at least {_percent(found.lower)} and at most {_percent(found.upper)},"
    if found.lower_count is not None and size is not None:
        yield f"which is {found.lower_count:,} to {found.upper_count:,} of {size:,} leads,"
    yield f"{held} {_percent(confidence)} confidence ({method})."


def _seed(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise click.BadParameter("a seed is 64 hexadecimal digits", param_hint="--seed")
    return bytes.fromhex(text)


def _leaves(path: Path) -> Iterator[bytes]:
    """The leaves, one at a time; a file that begins with a line of hexadecimal digits is text."""
    with path.open("rb") as file:
        head = file.peek(2 * HASH_SIZE + 1)[: 2 * HASH_SIZE + 1]
        if re.fullmatch(rb"[0-9a-fA-F]{64}\s?", head):
            yield from _text_leaves(file)
        else:
            yield from read_leaves(file)


def _text_leaves(lines: Iterable[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines, start=1):
        if not re.fullmatch(rb"[0-9a-fA-F]{64}", line.strip()):
            raise ValueError(f"line {number} is not 64 hexadecimal digits")
        yield bytes.fromhex(line.strip().decode())


@contextmanager
def _as_usage() -> Iterator[None]:
    """Numbers that do not fit together are a usage error, in the words of who refused them."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None


def _print_json(answer: dict[str, Any]) -> None:  # Any: JSON values
    click.echo(json.dumps(answer))


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _percent(share: float | Fraction) -> str:
    return f"{float(share) * 100:.4g} %"
