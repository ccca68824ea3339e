import numpy as np
import polars as pl

from recommender.interactions import Baskets
from recommender.logistic import Logistic, LogisticSettings
from tests.recommender.shop import START


def two_camps():
    """Forty customers of two camps, each of whom bought six of its camp's ten products."""
    draw = np.random.default_rng(0)
    rows = [
        (f"c{n:02}", f"p{(n % 2) * 10 + item:02}", START)
        for n in range(40)
        for item in draw.choice(10, 6, replace=False)
    ]
    frame = pl.DataFrame(rows, schema=["customer_id", "product_id", "at"], orient="row")
    return Baskets.of(frame, tuple(f"p{n:02}" for n in range(21)))


def test_it_tells_what_a_customers_like_buy_from_what_others_buy():
    baskets = two_camps()
    settings = LogisticSettings(dim=8, batch=64, epochs=30)
    scores = Logistic.fit(baskets, settings).scores(range(40))
    assert np.isnan(scores[:, 20]).all()  # nobody bought it
    assert ((scores[:, :20] >= 0) & (scores[:, :20] <= 1)).all()
    new = np.where(baskets.matrix().toarray()[:, :20] > 0, np.nan, scores[:, :20])
    own = np.array([np.nanmean(new[n, (n % 2) * 10 :][:10]) for n in range(40)])
    other = np.array([np.nanmean(new[n, (1 - n % 2) * 10 :][:10]) for n in range(40)])
    assert (own > other).mean() > 0.95
