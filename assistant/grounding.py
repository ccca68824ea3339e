"""Checks between the model and the shopper: nothing is done or said that the record does not hold.

Arguments must come from the conversation or the shop. Wording may state no fact: every word of it
must stand on a short list of harmless words, or be the shopper's own word that every result bears
out. Names, prices, sizes, dates and promises are outside that list, so a lie has no words to be
told in; facts enter a reply by reference only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.errors import AisleError
from assistant.tools.context import Context
from assistant.types import Language
from assistant.unwanted import only_refuses, says, unwanted


class Refused(AisleError):
    """An argument that nobody gave; the message tells the model what there is instead."""


# --- arguments ---------------------------------------------------------------------------------

_NUMBER = r"(?:us\$|[$€£¥])?\s*(\d{1,5}(?:[.,]\d{1,2})?)(?![\d%])"
_MONEY = r"\s*(?:dollars?|bucks?|usd|eur|euros?|cents?|[$€£¥]|美元|美金|块钱?|元|dólares|euro)?"
_UNIT = (
    r"(?!\s*-?\s*(?:oz|ounces?|lbs?|pounds?|ct|counts?|pk|packs?|packets?|pieces?|items?|ml|l|liters?|"
    r"litres?|gal|gallons?|kg|g|grams?|calories|kcal|days?|weeks?|months?|years?|hours?|minutes?|"
    r"people|persons?|kids|servings?|次|天|周|个月|小时|分钟|人|盎司|克|升|个|件|瓶|包)\b)"
)
_AT_MOST = (
    r"under|below|less than|up to|at most|max(?:imum)?(?: of)?|no more than|not more than|"
    r"cheaper than|within|not over|beneath|budget(?: is| of)?|spend(?: only)?|only have|"
    r"不超过|低于|少于|不到|最多|menos de|hasta|máximo|por debajo de|unter|höchstens|bis zu|"
    r"moins de|jusqu['’]à|maximum"
)
_AT_LEAST = (
    r"over|above|more than|at least|min(?:imum)?(?: of)?|starting at|高于|超过|至少"
    r"|más de|über|plus de"
)
_AFTER_MOST = (
    r"or less|or under|or cheaper|or below|max(?:imum)?|tops|以下|以内|之内|o menos|oder weniger"
)
_AFTER_LEAST = r"or more|and up|or above|以上|o más|oder mehr"

_MOST = re.compile(
    rf"(?:(?<!\w)(?:{_AT_MOST})|不超过|低于|少于|不到|最多)\s*{_NUMBER}{_MONEY}{_UNIT}"
    rf"|{_NUMBER}{_MONEY}\s*(?:{_AFTER_MOST})",
    re.IGNORECASE,
)
_LEAST = re.compile(
    rf"(?<![\w不])(?:{_AT_LEAST})\s*{_NUMBER}{_MONEY}{_UNIT}|{_NUMBER}{_MONEY}\s*(?:{_AFTER_LEAST})",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"(?:between|from|entre|zwischen|介于)?\s*{_NUMBER}{_MONEY}\s*(?:and|to|-|–|y|und|et|到|至)\s*"
    rf"{_NUMBER}\s*(dollars?|bucks?|[$€£¥]|美元|美金|块|元|dólares)?{_UNIT}",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_NUMBER_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "dozen": 12, "twelve": 12, "couple": 2, "both": 2,
    "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5,
    "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
}  # fmt: skip
_ORDINALS = {
    "first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3,
    "fifth": 4, "5th": 4, "sixth": 5, "6th": 5, "last": -1,
    "第一": 0, "第二": 1, "第三": 2, "第四": 3, "第五": 4, "第六": 5, "最后": -1,
    "primero": 0, "primera": 0, "segundo": 1, "segunda": 1, "tercero": 2, "tercera": 2,
}  # fmt: skip
_ORDINAL = re.compile(
    r"(?<!\w)(?:" + "|".join(key for key in _ORDINALS if key.isascii()) + r")(?!\w)"
    r"(?!\s+(?:week|month|year|time|order|night|day|purchase))"
    r"|第[一二三四五六]|最后",
    re.IGNORECASE,
)
_CHEAPEST = re.compile(r"(?<!\w)(?:the )?cheap(?:est|er) (?:one|of)|最便宜的", re.IGNORECASE)
_OTHERS = re.compile(
    r"popular|best[- ]?sell|trend|\bothers?\b|\bpeople\b|every(?:one|body)|\bshoppers\b|customers"
    r"|\bmost\b|\btop\b|favou?rites?\b|más vendid|畅销|热门|热销|流行|大家|别人|其他人|卖得",
    re.IGNORECASE,
)
_SHOWN_TAG = re.compile(r"\bP\d{1,4}\b", re.IGNORECASE)
_PERSON = re.compile(
    r"(?<!\w)(?:talk|speak|chat|connect|transfer|put|get|want|need|like|give|pass)\b[^.?!]{0,40}"
    r"\b(?:(?:real|actual|live|human) (?:person|human|agent|being|someone|people|staff)|human"
    r"|(?:customer )?(?:service|support) (?:agent|rep|representative|person)"
    r"|representative|operator"
    r"|(?:to|with) (?:a |an |one of your )?"
    r"(?:person|somebody|someone|colleagues?|agent|manager|staff))\b"
    r"|人工|真人|客服人员|找客服|转客服|hablar con (?:una persona|un humano|alguien|un agente)",
    re.IGNORECASE,
)

_TWO_WISHES = re.compile(
    r"[?？].+[?？]|还有|另外|以及|(?:[,;]|\b(?:and|also|then)\b)\s*(?:and |also |then )*"
    r"(?:what|how|where|when|which|who|can|could|do|does|is|are|show|tell|add|put|take|remove|find|get"
    r"|check|look|recommend|suggest)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Prices that the shopper stated; None where they stated none."""

    least: float | None = None
    most: float | None = None


def stated_limits(text: str) -> Limits:
    """Price limits in a message: "under 4 dollars", "between 3 and 5 $", "4美元以下"."""
    for match in _BETWEEN.finditer(text):
        spoken = match[0].lower()
        if match[3] or re.search(r"[$€£¥]|between|entre|zwischen|介于", spoken):
            low, high = sorted((_number(match[1]), _number(match[2])))
            return Limits(low, high)
    most = _MOST.search(text)
    rest = text[: most.start()] + " " + text[most.end() :] if most else text
    least = _LEAST.search(rest)
    return Limits(
        _number(least[1] or least[2]) if least else None,
        _number(most[1] or most[2]) if most else None,
    )


def asks_for_a_person(text: str) -> bool:
    """Whether the message plainly asks for a human: that always works, whatever the model says."""
    return bool(_PERSON.search(text))


def again_without(context: Context) -> dict[str, Any] | None:
    """The decision on a message that only says what is not wanted, of what the shop sells: the
    last search or suggestion anew, else something new. A small model searches for "no nuts".
    """
    if not (only_refuses(context.text) and context.left_out(unwanted([context.text]))):
        return None
    for turn in reversed(context.turns):
        for call in reversed(turn.calls):
            given = {key: value for key, value in call.action.arguments.items() if value}
            asked = str(given.get("query") or given.get("category") or "")
            if call.action.tool in ("search_products", "recommend_products") and call.ok:
                if any(says(asked, each) for each in context.refused()):
                    break
                return {"tool": call.action.tool, **given}
    return {"tool": "recommend_products", "kind": "new_for_you"}


def may_hold_two_wishes(text: str) -> bool:
    """Whether a message could ask for two things; a small model sees a second one too often."""
    return bool(_TWO_WISHES.search(text))


def names_place(text: str) -> bool:
    """Whether a message counts in what was shown: "the second one", "the cheapest one", "P2"."""
    return bool(_ORDINAL.search(text) or _CHEAPEST.search(text) or _SHOWN_TAG.search(text))


def check_arguments(tool: str, arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The arguments as they may be used.

    What nobody stated is dropped (a budget, an order number, an address, a quantity); what the
    shopper stated and the model left out is put back (a price limit). Raises Refused where nothing
    is left to act on: a tag that was never shown.
    """
    checked = {name: value for name, value in arguments.items() if value not in (None, "", [])}
    said = " ".join([*(t.text for t in context.turns if t.kind != "staff"), context.text])
    if tool == "search_products":
        checked.update(_limits(checked, context.text, said))
        query = str(checked.get("query", ""))
        for each in unwanted([context.text]):
            if says(query, each):
                raise Refused(f"they do not want {each}; suggest something else")
    for name in ("query", "category"):
        if name in checked:
            checked[name] = " ".join(str(checked[name]).split())
    if tool in ("search_products", "search_help"):
        checked.setdefault("query", context.text)
    if "category" in checked and not _is_category(str(checked["category"]), context):
        # "dinner" is no shelf, but the shopper's own word for what suggestions should be for.
        said_so = str(checked["category"]).casefold() in context.text.casefold()
        if tool != "recommend_products" or not said_so:
            del checked["category"]
    elif tool == "recommend_products" and not _mentions(said, str(checked.get("category", ""))):
        # "My weekly list" is of the whole shop, whatever department the model thinks of.
        checked.pop("category", None)
    _keep_what_was_said(tool, checked, said, context)
    if "product" in checked:
        checked["product"] = _reference(str(checked["product"]), context, ordinal=True)
    if "products" in checked:
        checked["products"] = [
            _reference(str(each), context, ordinal=False) for each in checked["products"]
        ]
    return checked


def _limits(arguments: Mapping[str, Any], text: str, said: str) -> dict[str, float | None]:
    stated = stated_limits(text)
    numbers = {_number(match) for match in _DIGITS.findall(said)}
    guessed = {
        name: float(arguments[name])
        for name in ("min_price", "max_price")
        if name in arguments and float(arguments[name]) in numbers
    }
    if stated.most is not None:
        guessed["max_price"] = stated.most
    if stated.least is not None:
        guessed["min_price"] = stated.least
    low, high = guessed.get("min_price"), guessed.get("max_price")
    if low is not None and high is not None and (low > high or stated != Limits(low, high)):
        # The model put one stated number into both ends: only what the words say counts.
        low, high = stated.least, stated.most
    return {"min_price": low, "max_price": high}


def _is_category(name: str, context: Context) -> bool:
    return context.shop.catalogue.has_category(name)


def _mentions(said: str, category: str) -> bool:
    """Whether the shopper used a word of a shelf's name. In Chinese no shelf is called by it."""
    named = set(_stems(category)) - {"and", "for", "the"}
    return bool(_HAN.search(said)) or not named.isdisjoint(_stems(said))


def _quantities(text: str) -> set[int]:
    words = re.findall(r"[a-z]+|[一两二三四五六七八九十]", text.lower())
    digits = {int(each) for each in re.findall(r"-?\d{1,10}", text)}
    return digits | {_NUMBER_WORDS[word] for word in words if word in _NUMBER_WORDS}


def _keep_what_was_said(tool: str, checked: dict[str, Any], said: str, context: Context) -> None:
    """Drop order numbers, addresses and the like that the model came up with."""
    if "order_id" in checked and not _known_order(str(checked["order_id"]), said, context):
        del checked["order_id"]
    # A hand-off's reason is one of a fixed list, and the model's to choose.
    for name in ("address", "payment", "reason"):
        if tool != "hand_off" and name in checked and not _spoken(str(checked[name]), said):
            del checked[name]
    if checked.get("kind") == "popular" and context.shopper.customer_id:
        # What others buy is an answer to a known shopper only if they ask for that.
        checked["kind"] = "popular" if _OTHERS.search(context.text) else "new_for_you"
    if "quantity" in checked and checked["quantity"] not in _quantities(context.text):
        del checked["quantity"]
        if tool == "add_to_cart":
            checked["quantity"] = 1


def _known_order(order_id: str, said: str, context: Context) -> bool:
    """Whether the shopper wrote this number, or was shown it."""
    shown = {card.order.order_id for turn in context.turns for card in turn.orders}
    return order_id.casefold() in said.casefold() or order_id in shown


def _spoken(words: str, said: str) -> bool:
    """Whether every word of it is the shopper's own: nobody else says where a parcel goes."""
    own = set(_TOKEN.findall(said.casefold()))
    return set(_TOKEN.findall(words.casefold())) <= own


def _reference(reference: str, context: Context, *, ordinal: bool) -> str:
    """A tag that was shown, or words. "The second one" is counted here, not by the model."""
    cards = context.last_cards()
    match = _ORDINAL.search(context.text) if ordinal and cards else None
    if match:
        place = _ORDINALS[match[0].lower()]
        if place < len(cards):
            return cards[place].tag
        raise Refused(f"only {len(cards)} products were shown, so there is no {match[0]!r} one")
    if ordinal and cards and _CHEAPEST.search(context.text):
        return min(cards, key=lambda card: card.product.price).tag
    if context.is_tag(reference) and context.find(reference) is None:
        shown = ", ".join(context.shown) or "none yet"
        raise Refused(f"{reference!r} was not shown; shown are {shown}; name the product in words")
    return reference


def _number(text: str) -> float:
    return float(text.replace(",", "."))


# --- wording -----------------------------------------------------------------------------------

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_HAN = re.compile(r"[\u3400-\u9fff]")
_MARKS = re.compile(r"[\s.,!?;:'’\"“”()\-–—…。，！？；：、~～（）《》]*")
_YES_NO = frozenset(
    ["yes", "yeah", "yep", "no", "not", "sure", "certainly", "absolutely", "definitely", "course"]
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words that state nothing: English words, and Chinese characters."""

    words: frozenset[str]
    characters: frozenset[str]


def language_of(text: str, otherwise: Language) -> Language:
    """Chinese if the message is written in it, else the interface's language for wordless ones."""
    if _HAN.search(text):
        return "zh"
    return "en" if _WORD.search(text) else otherwise


def wording_problem(
    text: str,
    vocabulary: Vocabulary,
    *,
    shopper_text: str = "",
    result_texts: Iterable[str] = (),
    may_answer: bool = True,
    language: Language | None = None,
) -> str:
    """Why this wording may not be said, or "" when it may.

    A word passes if it is in the vocabulary, or if the shopper used it and every one of the
    results says it too. `may_answer` is false where a yes or a no would be a rule of the shop;
    `language` is the one that the reply has to be in.
    """
    if language is not None and language != language_of(text, language):
        return f"it is not in the language of the reply, {language!r}"
    results = [set(_stems(each)) for each in result_texts]
    borne_out = set.intersection(*results) if results else set()
    echoed = borne_out & set(_stems(shopper_text))
    left = text
    for word in _WORD.findall(text):
        if _HAN.search(word):
            bad = [each for each in word if each not in vocabulary.characters]
            if bad:
                return f"{bad[0]!r} is not a word that states nothing"
        else:
            plain = word.lower().replace("’", "'")
            if not may_answer and plain in _YES_NO:
                return f"{word!r} answers a question that only the shop's rules may answer"
            if plain not in vocabulary.words and not set(_stems(plain)) <= echoed:
                return f"{word!r} is not a word that states nothing"
        left = left.replace(word, " ", 1)
    if not _MARKS.fullmatch(left):
        return f"{left.strip()!r} may be a number or a fact"
    return "" if text.strip() else "it is empty"


def _stems(text: str) -> list[str]:
    return [re.sub(r"(?:es|s)$", "", word.lower()) for word in _WORD.findall(text)]
