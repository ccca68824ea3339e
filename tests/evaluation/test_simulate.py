"""Shoppers who are no people: deterministic, patient to a point, and never naming their secret."""

import pytest

from assistant.evaluation.simulate import DONE, ModelShopper, ScriptedShopper, Secrets, converse
from prompts import read_prompt
from tests.evaluation.scripted import PERFECT, RoutedModel, tiny_stage
from tests.tinyapp import ScriptedModel

OAT_MILK = Secrets(("Oat milk, 64 oz",))


@pytest.fixture
def assistant(shop):
    stage = tiny_stage(shop, RoutedModel(PERFECT))
    with stage.conversation(None) as opened:
        yield opened
    stage.close()


@pytest.mark.parametrize("text", ["Oat milk please", "some OAT-MILK, 64 oz", "is oat milk in?"])
def test_a_name_is_given_away_by_its_words(text):
    assert OAT_MILK.told_by(text) == "Oat milk, 64 oz"


@pytest.mark.parametrize("text", ["milk please", "oats and milk", "something for my porridge", ""])
def test_a_hint_is_no_name(text):
    assert OAT_MILK.told_by(text) is None


def test_a_script_that_gives_the_secret_away_is_refused():
    with pytest.raises(ValueError, match=r"'oat milk\?' gives away 'Oat milk, 64 oz'"):
        ScriptedShopper(["hello", "oat milk?"], secrets=OAT_MILK)


def test_a_script_is_said_line_by_line_until_what_was_wanted_is_shown(assistant):
    def shown(answer):
        return any(card.product.product_id == "14" for card in answer.turn.products)

    shopper = ScriptedShopper(["hm", "milk please", "never said"], done=shown)
    exchanges = converse(assistant, shopper)
    assert [each.text for each in exchanges] == ["hm", "milk please"]


def test_what_is_asked_is_answered_from_what_they_know_and_once(assistant):
    shopper = ScriptedShopper(
        ["gluten free pasta under 4 dollars?", "thanks!"], facts={"gluten free": "for two people"}
    )
    texts = [each.text for each in converse(assistant, shopper)]
    assert texts == ["gluten free pasta under 4 dollars?", "for two people", "thanks!"]


def test_patience_ends_and_so_does_a_conversation_that_was_handed_over(assistant):
    assert len(converse(assistant, ScriptedShopper(["hm"] * 9), patience=3)) == 3
    person = converse(assistant, ScriptedShopper(["could somebody else look at this", "hm"]))
    assert len(person) == 1


def test_a_change_is_confirmed_when_it_waits_for_a_yes(assistant):
    shopper = ScriptedShopper(
        ["milk please"], confirms="yes, do it", waits=lambda answer: bool(answer.turn.products)
    )
    texts = [each.text for each in converse(assistant, shopper, patience=2)]
    assert texts == ["milk please", "yes, do it"]


def test_a_model_that_gives_the_secret_away_twice_is_not_heard(assistant):
    model = ScriptedModel(words=["Do you have Oat Milk, 64 oz?", "I said oat milk!", "ok", DONE])
    shopper = ModelShopper(model, read_prompt("shopper.md"), "You want oat milk.", OAT_MILK)
    texts = [each.text for each in converse(assistant, shopper)]
    assert texts == [shopper.fallback, "ok"]
    again = model.written[1][-1].content
    assert "Do not name 'Oat milk, 64 oz'" in again


def test_a_model_that_heeds_the_reminder_is_heard(assistant):
    model = ScriptedModel(words=["oat milk", "Something for my porridge?", DONE])
    shopper = ModelShopper(model, read_prompt("shopper.md"), "You want oat milk.", OAT_MILK)
    assert [each.text for each in converse(assistant, shopper)] == ["Something for my porridge?"]


def test_the_model_plays_the_shopper_and_reads_the_assistants_answers(assistant):
    model = ScriptedModel(words=["milk please", "thanks!", f"bye {DONE}"])
    shopper = ModelShopper(model, read_prompt("shopper.md"), "You want milk.")
    exchanges = converse(assistant, shopper)
    asked = model.written[-1]
    assert [each.role for each in asked] == ["system", "user"] + ["assistant", "user"] * 2
    assert "You want milk." in asked[0].content
    assert asked[3].content == exchanges[0].answer.turn.reply
