"""Intervals and estimators that a sceptic would use."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Z = 1.959964
"""Of a two-sided 95 % interval."""
RESAMPLES = 10_000


def wilson(good: int, of: int) -> list[float]:
    """A proportion with its 95 % score interval (Wilson 1927): [value, low, high].

    Raises ZeroDivisionError for a proportion of nothing.
    """
    share = good / of
    centre = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    spread = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of)) / (1 + Z * Z / of)
    return [
        round(share, 4),
        round(max(centre - spread, 0.0), 4),
        round(min(centre + spread, 1.0), 4),
    ]


def pass_hat(successes: Sequence[int], trials: int, k: int) -> list[float]:
    """pass^k: the chance that all of k trials of a task succeed, [value, low, high].

    `successes` holds one count of `trials` for each task. The estimator is the unbiased one of
    tau-bench (Yao et al. 2024, equation 1): the mean over tasks of C(c, k) / C(n, k); the 95 %
    interval resamples tasks. Raises ValueError unless 1 <= k <= trials.
    """
    if not 1 <= k <= trials:
        raise ValueError(f"pass^{k} cannot be estimated from {trials} trials of a task")
    each = np.array([math.comb(count, k) / math.comb(trials, k) for count in successes])
    if trials == 1:
        return wilson(int(each.sum()), len(each))
    return bootstrap(each, lambda sample: float(sample.mean()))


def bootstrap(
    values: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], float],
    *,
    seed: int = 1,
    resamples: int = RESAMPLES,
) -> list[float]:
    """A statistic of rows with its 95 % percentile interval (Efron 1979): [value, low, high].

    Rows of `values` are drawn with replacement.
    """
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(values), size=(resamples, len(values)))
    estimates = [statistic(values[rows]) for rows in picks]
    low, high = np.quantile(estimates, [0.025, 0.975])
    return [round(statistic(values), 4), round(float(low), 4), round(float(high), 4)]


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of them do not exceed; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(math.ceil(len(ordered) * share) - 1, 0))]
