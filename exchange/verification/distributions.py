"""Hypergeometric and binomial probabilities for lots of up to a million; errors stay below 1e-12.

Nothing here may overflow or cancel: a point probability comes from Loader's saddle-point form
(C. Loader, "Fast and accurate computation of binomial probabilities", 2000; R's dbinom and dhyper
use it), a tail is the sum of the ratios of neighbors, and the smaller tail is the one that is
summed. Plain log-gamma would lose six digits at a million.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

# Two probabilities closer than this are equal: a rounding error must not move a bound whose exact
# value is, say, 1/20.
TOLERANCE = 1e-12

_NEGLIGIBLE = 1e-18
_HALF_LOG_TAU = math.log(2 * math.pi) / 2


def hypergeometric_pmf(bad_drawn: int, *, population: int, bad: int, drawn: int) -> float:
    """P(exactly so many bad among `drawn`), drawing without replacement; ValueError if impossible.

    Impossible means more bad or more drawn than the population holds, not an unlikely count.
    """
    _require_lot(population=population, bad=bad, drawn=drawn)
    if not max(0, drawn - (population - bad)) <= bad_drawn <= min(drawn, bad):
        return 0.0
    if drawn in {0, population}:
        return 1.0
    taken, left = drawn / population, (population - drawn) / population
    return math.exp(
        _log_binomial(bad_drawn, bad, share=taken, rest=left)
        + _log_binomial(drawn - bad_drawn, population - bad, share=taken, rest=left)
        - _log_binomial(drawn, population, share=taken, rest=left)
    )


def hypergeometric_cdf(bad_drawn: int, *, population: int, bad: int, drawn: int) -> float:
    """P(at most so many bad among `drawn`), drawing without replacement."""
    _require_lot(population=population, bad=bad, drawn=drawn)
    if bad_drawn * population <= drawn * bad:
        return _hypergeometric_low(bad_drawn, population=population, bad=bad, drawn=drawn)
    good = population - bad
    return 1.0 - _hypergeometric_low(
        drawn - bad_drawn - 1, population=population, bad=good, drawn=drawn
    )


def hypergeometric_sf(bad_drawn: int, *, population: int, bad: int, drawn: int) -> float:
    """P(more than so many bad among `drawn`); keeps its digits where 1 - cdf would lose them."""
    good = population - bad
    return hypergeometric_cdf(drawn - bad_drawn - 1, population=population, bad=good, drawn=drawn)


def binomial_pmf(bad_drawn: int, *, share: float, drawn: int) -> float:
    """P(exactly so many bad among `drawn`) where each is bad with probability `share`."""
    _require_share(share)
    if not 0 <= bad_drawn <= drawn:
        return 0.0
    if share in {0.0, 1.0}:
        return float(bad_drawn == drawn * share)
    return math.exp(_log_binomial(bad_drawn, drawn, share=share, rest=1.0 - share))


def binomial_cdf(bad_drawn: int, *, share: float, drawn: int) -> float:
    """P(at most so many bad among `drawn`) where each is bad with probability `share`."""
    _require_share(share)
    if bad_drawn <= drawn * share:
        return _binomial_low(bad_drawn, share=share, rest=1.0 - share, drawn=drawn)
    return 1.0 - _binomial_low(drawn - bad_drawn - 1, share=1.0 - share, rest=share, drawn=drawn)


def binomial_sf(bad_drawn: int, *, share: float, drawn: int) -> float:
    """P(more than so many bad among `drawn`); keeps its digits where 1 - cdf would lose them."""
    _require_share(share)
    if bad_drawn + 1 >= drawn * share:
        return _binomial_low(drawn - bad_drawn - 1, share=1.0 - share, rest=share, drawn=drawn)
    return 1.0 - _binomial_low(bad_drawn, share=share, rest=1.0 - share, drawn=drawn)


def _hypergeometric_low(bad_drawn: int, *, population: int, bad: int, drawn: int) -> float:
    top = min(bad_drawn, drawn, bad)
    if top < 0:
        return 0.0
    good_left = population - bad - drawn
    steps = (
        k * (good_left + k) / ((bad - k + 1) * (drawn - k + 1))
        for k in range(top, max(0, -good_left), -1)
    )
    first = hypergeometric_pmf(top, population=population, bad=bad, drawn=drawn)
    return _sum_of_ratios(first, steps)


def _binomial_low(bad_drawn: int, *, share: float, rest: float, drawn: int) -> float:
    top = min(bad_drawn, drawn)
    if top < 0:
        return 0.0
    if share == 0.0 or rest == 0.0:
        return float(share == 0.0 or top == drawn)
    steps = (k * rest / ((drawn - k + 1) * share) for k in range(top, 0, -1))
    return _sum_of_ratios(math.exp(_log_binomial(top, drawn, share=share, rest=rest)), steps)


def _sum_of_ratios(first: float, ratios: Iterable[float]) -> float:
    total = term = first
    for ratio in ratios:
        term *= ratio
        total += term
        if term <= total * _NEGLIGIBLE:
            break
    return min(total, 1.0)


def _log_binomial(k: int, n: int, *, share: float, rest: float) -> float:
    """Loader's form of log(C(n, k) share^k rest^(n-k)); `rest` is 1 - share, given exactly."""
    if k == 0:
        return n * _log(rest, complement=share)
    if k == n:
        return n * _log(share, complement=rest)
    misfit = _deviance(k, n * share) + _deviance(n - k, n * rest)
    stirling = _stirling_error(n) - _stirling_error(k) - _stirling_error(n - k)
    return stirling - misfit - math.log(k / n * (n - k)) / 2 - _HALF_LOG_TAU


def _log(value: float, *, complement: float) -> float:
    return math.log1p(-complement) if complement < 0.5 else math.log(value)


def _stirling_error(n: int) -> float:
    """log(n!) less Stirling's formula; the series is exact to 1e-16 from 16 on."""
    if n <= 15:
        return math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - _HALF_LOG_TAU
    square = n * n
    inner = 1 / 1260 - (1 / 1680 - 1 / (1188 * square)) / square
    return (1 / 12 - (1 / 360 - inner / square) / square) / n


def _deviance(observed: int, expected: float) -> float:
    """Loader's bd0: o log(o/e) + e - o, by series where that would cancel."""
    difference = observed - expected
    if abs(difference) >= 0.1 * (observed + expected):
        return observed * math.log(observed / expected) - difference
    ratio = difference / (observed + expected)
    total, term, square = difference * ratio, 2 * observed * ratio, ratio * ratio
    for odd in range(3, 1000, 2):
        term *= square
        last, total = total, total + term / odd
        if total == last:
            break
    return total


def _require_lot(*, population: int, bad: int, drawn: int) -> None:
    if not 0 <= bad <= population:
        raise ValueError(f"a lot of {population} cannot hold {bad} bad leads")
    if not 0 <= drawn <= population:
        raise ValueError(f"{drawn} leads cannot be drawn from a lot of {population}")


def _require_share(share: float) -> None:
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a share lies between 0 and 1, not at {share}")
