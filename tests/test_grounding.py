"""The checks between model and shopper: twenty lies, stated limits, invented arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.grounding import (
    Limits,
    Vocabulary,
    asks_for_a_person,
    language_of,
    may_hold_two_wishes,
    stated_limits,
    wording_problem,
)
from prompts import read_prompt


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(
        frozenset(read_prompt("harmless_words.en.txt").split()),
        frozenset(read_prompt("harmless_characters.zh.txt")),
    )


LIES = [
    "These cost only $2 each.",
    "They are all under four dollars.",
    "You get a discount on these today.",
    "Delivery is free for you.",
    "I have added the first one to your cart and placed your order.",
    "Your refund is on its way.",
    "All of these are organic.",
    "These are gluten free and vegan.",
    "Yes, these contain no nuts.",
    "They are fresh, soft and crunchy.",
    "This is our cheapest and best brand.",
    "We guarantee that you can return everything.",
    "You have twenty days to return them.",
    "Our driver arrives at noon.",
    "A colleague will call you back in minutes.",
    "Barilla penne is a favourite here.",
    "I cancelled order B 12 for you.",
    "I am a human employee.",
    "Only a few are left in stock.",
    "50 % off!",
    "这些商品免费送货。",
    "这是最便宜的，打八折。",
    "您的订单已取消并退款。",
]


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_has_words_to_be_told_in(vocabulary: Vocabulary, lie: str) -> None:
    assert wording_problem(
        lie,
        vocabulary,
        shopper_text="is it free, organic, gluten free, cheap?",
        result_texts=["Penne pasta, 16 oz Grocery", "Spaghetti pasta, 1 lb Grocery"],
    )


@pytest.mark.parametrize(
    "opening",
    [
        "Sure, here are some pasta options for you:",
        "Based on what you like, have a look at these:",
        "Hello! How can I help you with your shopping today?",
        "I'm sorry, but I can't help with that.",
        "您可以看看这些：",
        "您好！今天想找点什么？",
    ],
)
def test_kind_words_pass(vocabulary: Vocabulary, opening: str) -> None:
    results = ["Penne pasta, 16 oz Grocery", "Spaghetti pasta, 1 lb Grocery"]
    assert not wording_problem(opening, vocabulary, shopper_text="any pasta?", result_texts=results)


def test_a_shoppers_word_is_echoed_only_if_every_result_bears_it_out(
    vocabulary: Vocabulary,
) -> None:
    text = "Here are some organic bananas:"
    said = {"shopper_text": "organic bananas?"}
    assert wording_problem(text, vocabulary, **said, result_texts=["Bananas", "Organic bananas"])
    assert not wording_problem(text, vocabulary, **said, result_texts=["Bananas organic"])


def test_yes_and_no_are_left_to_the_rules(vocabulary: Vocabulary) -> None:
    assert wording_problem("Sure, have a look:", vocabulary, may_answer=False)
    assert not wording_problem("Have a look:", vocabulary, may_answer=False)


@given(st.text(max_size=60))
def test_whatever_passes_holds_no_digit(text: str) -> None:
    words = Vocabulary(frozenset({"the", "one"}), frozenset("的"))
    if not wording_problem(text, words):
        assert not any(each.isnumeric() for each in text)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("do you have any gluten free pasta under 4 dollars?", Limits(None, 4)),
        ("cheddar under $5", Limits(None, 5)),
        ("wine for less than 12.50", Limits(None, 12.5)),
        ("coffee, at most 8 bucks", Limits(None, 8)),
        ("frozen pizza between 3 and 6 dollars please", Limits(3, 6)),
        ("something from $10 to $20", Limits(10, 20)),
        ("a gift over $20", Limits(20, None)),
        ("steak, $15 or less", Limits(None, 15)),
        ("有没有4美元以下的意大利面", Limits(None, 4)),
        ("不超过10元的牛奶", Limits(None, 10)),
        ("vino por menos de 10 euros", Limits(None, 10)),
        ("chips under 10 oz", Limits()),
        ("deliver it within 2 days", Limits()),
        ("diapers size 4", Limits()),
        ("two bananas and 3 apples", Limits()),
        ("what did I buy in 2017", Limits()),
        ("oat milk", Limits()),
    ],
)
def test_stated_limits(text: str, limits: Limits) -> None:
    assert stated_limits(text) == limits


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "can I speak with a real person please",
        "connect me to customer service representative",
        "is there somebody to talk to? I want to speak to someone",
        "转人工客服",
        "quiero hablar con una persona",
    ],
)
def test_a_person_is_always_reached(text: str) -> None:
    assert asks_for_a_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "a gift for a person who likes tea",
        "I want a personal pan pizza",
        "my agent orange cleaner",
        "human hair brush",
        "who delivers the order?",
    ],
)
def test_products_are_not_people(text: str) -> None:
    assert not asks_for_a_person(text)


def test_two_wishes() -> None:
    assert may_hold_two_wishes("where's my order and what's in my cart?")
    assert may_hold_two_wishes("do you have rice? how do I return it?")
    assert not may_hold_two_wishes("frozen pizza between 3 and 6 dollars please")
    assert not may_hold_two_wishes("macaroni and cheese")


def test_language_follows_the_message() -> None:
    assert language_of("有没有牛奶", "en") == "zh"
    assert language_of("milk", "zh") == "en"
    assert language_of("???", "zh") == "zh"
