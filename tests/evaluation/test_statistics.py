"""Intervals and pass^k against what can be counted or was published."""

import itertools
import math

import numpy as np
import pytest

from assistant.evaluation.statistics import bootstrap, pass_hat, quantile, wilson


def test_wilsons_interval_is_the_published_one():
    """Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for good, of, low, high in [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:  # fmt: skip
        assert wilson(good, of)[1:] == pytest.approx([low, high], abs=1e-4)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_pass_hat_is_the_share_of_all_choices_of_k_trials(k):
    trials, successes = 4, [4, 3, 1, 0]
    share = np.mean([
        np.mean([
            all(each) for each in itertools.combinations([n < good for n in range(trials)], k)
        ])
        for good in successes
    ])  # fmt: skip
    assert pass_hat(successes, trials, k)[0] == pytest.approx(share, abs=1e-4)


def test_pass_hat_is_unbiased():
    rng = np.random.default_rng(3)
    counts = rng.binomial(5, 0.7, size=20_000)
    assert pass_hat(list(counts[:2000]), 5, 3)[0] == pytest.approx(0.7**3, abs=0.03)


def test_more_trials_than_there_were_are_refused():
    with pytest.raises(ValueError, match=r"pass\^3 cannot be estimated from 2"):
        pass_hat([1], 2, 3)


def test_the_bootstrap_is_as_wide_as_the_error_of_the_mean():
    values = np.random.default_rng(5).normal(2.0, 1.0, 400)
    mean, low, high = bootstrap(values, lambda sample: float(sample.mean()))
    half = 1.96 * values.std() / math.sqrt(400)
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.01)
    assert bootstrap(values, lambda sample: float(sample.mean())) == [mean, low, high]


def test_quantiles():
    assert quantile([], 0.5) is None
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile(list(range(1, 101)), 0.95) == 95
