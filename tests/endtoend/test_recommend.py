"""The recommender alone, over the grocer's year: what may and may not be in a list."""

import json

import pytest

pytestmark = pytest.mark.model


def suggested(aisle, *arguments):
    return json.loads(aisle("recommend", "-k", "10", "--json", *arguments))


def test_a_list_holds_what_its_kind_says(aisle, grocer):
    bought = {each.product_id for each in grocer.shop.catalogue.purchases("1")}
    again = suggested(aisle, "--customer", "1", "--kind", "buy_again")
    new = suggested(aisle, "--customer", "1", "--kind", "new_for_you")
    assert {each["product_id"] for each in again["items"]} <= bought
    assert not {each["product_id"] for each in new["items"]} & bought
    assert len(again["items"]) == len(new["items"]) == 10
    assert not again["cold"]


def test_a_customer_whom_nobody_knows_gets_what_others_buy(aisle):
    known = suggested(aisle, "--kind", "popular")
    unknown = suggested(aisle, "--customer", "nobody", "--kind", "buy_again")
    assert unknown["cold"]
    assert [each["product_id"] for each in unknown["items"]] == [
        each["product_id"] for each in known["items"]
    ]
