from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.profile import Bought, Profile

START = datetime(2024, 3, 2, 10, tzinfo=UTC)  # a Saturday
OAT = Bought("1", "Organic oat milk, 64 oz", "oat", ("Dairy", "Milk"), "Tiny", 3.99, START)
BREAD = Bought("2", "Sourdough bread", "bread", ("Bakery", "Bread"), "", 3.0, START)
OIL = Bought("3", "Truffle oil, 3 oz", "oil", ("Grocery", "Oil"), "", 12.0, START)


def weekly(product, weeks):
    return [replace(product, at=START + timedelta(weeks=week)) for week in weeks]


@pytest.fixture
def profile():
    bought = weekly(OAT, range(10)) + weekly(BREAD, range(0, 10, 2)) + weekly(OIL, [3])
    return Profile.of(bought, START + timedelta(weeks=9, days=2))


def test_every_statement_can_be_counted_again(profile):
    assert (profile.purchases, profile.visits) == (16, 10)
    assert [(each.product_id, each.times, each.every_days) for each in profile.favourites] == [
        ("1", 10, 7),
        ("2", 5, 14),
    ]
    assert [(each.name, each.count, each.of) for each in profile.departments] == [
        ("Dairy", 10, 16),
        ("Bakery", 5, 16),
    ]
    assert [(each.name, each.count) for each in profile.brands] == [("Tiny", 10)]
    assert {each.name: each.count for each in profile.diets} == {"organic": 10, "plant_based": 10}


def test_prices_are_where_half_of_the_purchases_lie(profile):
    assert profile.prices is not None
    assert (profile.prices.low, profile.prices.high) == (3.0, 3.99)


def test_the_next_visit_follows_the_rhythm(profile):
    rhythm = profile.rhythm
    assert rhythm is not None
    assert (rhythm.every_days, rhythm.visits) == (7, 10)
    assert rhythm.next_at == START + timedelta(weeks=10)
    assert (rhythm.weekday, rhythm.on_weekday) == (5, 10)


def test_who_stayed_away_for_long_is_not_expected():
    gone = Profile.of(weekly(OAT, range(10)), START + timedelta(weeks=20)).rhythm
    assert gone is not None
    assert gone.next_at is None


def test_too_few_purchases_say_nothing():
    twice = Profile.of(weekly(OAT, range(2)), START + timedelta(weeks=3))
    assert twice.rhythm is None
    assert twice.diets == twice.brands == twice.departments == ()
    assert [(each.times, each.every_days) for each in twice.favourites] == [(2, None)]


def test_nobody_and_the_future_are_not_known():
    nobody = Profile.of([], START)
    assert nobody == Profile.of([OAT], START - timedelta(days=1))
    assert nobody.text() == "Nothing is known of this shopper."


def test_the_text_for_the_model_is_short_and_quotes_titles(profile):
    text = profile.text()
    assert len(text) < 400
    assert "10 visits" in text
    assert "'Organic oat milk, 64 oz' (10×)" in text


@given(
    st.lists(
        st.builds(
            Bought,
            st.sampled_from(["a", "b", "c"]),
            st.text(max_size=20),
            st.sampled_from(["a", "b"]),
            st.lists(st.text(max_size=5), max_size=2).map(tuple),
            st.sampled_from(["", "Tiny"]),
            st.floats(0, 1000),
            st.datetimes(datetime(2020, 1, 1), datetime(2025, 1, 1), timezones=st.just(UTC)),
        ),
        max_size=30,
    )
)
def test_shares_never_exceed_what_was_bought(bought):
    now = datetime(2024, 1, 1, tzinfo=UTC)
    profile = Profile.of(bought, now)
    assert profile.purchases <= sum(each.at <= now for each in bought)
    for share in (*profile.departments, *profile.brands, *profile.diets):
        assert 0 < share.count <= share.of == profile.purchases
    assert all(each.times <= profile.visits for each in profile.favourites)
    if profile.rhythm and profile.rhythm.next_at:
        assert profile.rhythm.next_at > profile.rhythm.last_at
