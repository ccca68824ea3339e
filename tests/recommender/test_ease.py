"""EASE by its dual against the closed form, and on rows that no shop has."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from recommender.ease import Ease

WILD = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 7), st.integers(1, 12)),
    elements=st.sampled_from([0, 0, 0, 1, 1, 0.5, 2, 30, 1e-3]).map(np.float32),
)


def primal(tastes, strength):
    """Steck's three lines."""
    gram = tastes @ tastes.T
    ridge = strength * np.trace(gram) / len(gram)
    inverse = np.linalg.inv(tastes.T @ tastes + ridge * np.eye(tastes.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def fitted(tastes, strength=1.5, known=None):
    known = np.arange(tastes.shape[1]) if known is None else known
    return Ease.fit(sparse.csr_matrix(tastes), np.asarray(known, np.int32), strength)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("strength", [0.1, 1.5, 20])
def test_the_dual_is_the_primal(seed, strength):
    draw = np.random.default_rng(seed)
    tastes = (draw.random((15, 40)) < 0.2).astype(np.float32)
    fresh = (draw.random((4, 40)) < 0.3).astype(np.float32)
    weights = primal(tastes.astype(np.float64), strength)
    ease = fitted(tastes, strength)
    close = {"atol": 1e-6, "rtol": 1e-5}
    np.testing.assert_allclose(ease.scores(range(15)), tastes @ weights, **close)
    np.testing.assert_allclose(ease.fold_in(sparse.csr_matrix(fresh)), fresh @ weights, **close)


@pytest.mark.parametrize("strength", [0.1, 1.5, 20])
@pytest.mark.parametrize("most", [40, 25])
def test_a_customers_own_row_and_a_session_on_top_are_as_any_other_row(strength, most):
    draw = np.random.default_rng(1)
    tastes = sparse.csr_matrix((draw.random((40, 60)) < 0.4).astype(np.float32))
    ease = Ease.fit(tastes, np.arange(5, 60, dtype=np.int32), strength, most)
    session = tastes[:8].tolil()
    session[:, 7] = 2
    session[3, :] = 0
    for rows in (tastes[:8], session.tocsr()):
        for user in range(8):
            row = rows[[user]]
            for quick, slow in zip(ease.both(row, user), ease.both(row), strict=True):
                np.testing.assert_allclose(quick, slow, atol=1e-5, rtol=1e-4)


@settings(max_examples=80, deadline=None)
@given(tastes=WILD, strength=st.sampled_from([0.1, 1.5, 50.0]))
def test_finite_on_anything_and_the_parts_add_up(tastes, strength):
    ease = fitted(tastes, strength)
    scores = ease.scores(range(len(tastes)))
    parts = tastes @ ease.fold_in(sparse.identity(tastes.shape[1], np.float32, "csr"))
    assert np.isfinite(scores).all()
    assert np.isfinite(ease.smooth(sparse.csr_matrix(tastes))).all()
    np.testing.assert_allclose(scores, parts, atol=1e-2 * max(1.0, float(np.abs(parts).max())))


@settings(max_examples=40, deadline=None)
@given(tastes=WILD, data=st.data())
def test_only_what_was_learned_has_a_score(tastes, data):
    items = range(tastes.shape[1])
    known = sorted(data.draw(st.sets(st.sampled_from(items))))
    ease = fitted(tastes, known=known)
    scores = ease.scores([0, -1, len(tastes)])
    assert np.flatnonzero(np.isfinite(scores[0])).tolist() == known
    assert np.isnan(scores[1:]).all()
    unknown = np.setdiff1d(np.arange(tastes.shape[1]), known)
    each = ease.fold_in(sparse.identity(tastes.shape[1], np.float32, "csr"))
    assert not np.nan_to_num(each[unknown]).any()


def test_customers_beyond_the_learners_are_scored_all_the_same():
    tastes = sparse.random(30, 20, 0.3, "csr", np.float32, np.random.default_rng(0))
    ease = Ease.fit(tastes, np.arange(20, dtype=np.int32), most=8)
    assert ease.arrays()["kernel"].shape == (8, 8)
    assert np.isfinite(ease.scores(range(30))).all()
