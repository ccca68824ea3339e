"""What a shopper's query asks for, as words to match."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

_AMOUNT = re.compile(
    r"[$€£¥]\s*\d+(?:[.,]\d+)*"
    r"|\b(?:under|below|over|above|around|about|within|than|most|least|max|maximum|min|minimum"
    r"|up to|for|between|and|to)\s+\d+(?:[.,]\d+)*(?!\s*[a-z])"
    r"|\b\d+(?:[.,]\d+)*\s*(?:dollars?|bucks?|usd|eur|euros?|cents?|pounds sterling|yuan)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"['’](?:s|t|d|m|ll|re|ve)\b|\b(?:in|out of) stock\b", re.IGNORECASE)
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_IDEOGRAPH = re.compile(f"([{_CJK}])")
_WORD = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+")

_STOP_WORDS = """
a am an and are as at be been being both but by can could did do does doesn don had has have
having he her here him his how i if in into is isn it its just let ll me my no not of off on or
our out re s she so than that the their them then there these they this those to too us ve was
we were what when where which while who whom whose why will with without won would you your
yours also again each every few lot lots many much more most less least only other own per same
such very around about above below between under over up within actually anyone anything
everything nothing some somebody someone something any else ever kind kinds maybe please really
sort sorts stuff thing things type types way hello hey hi ok okay thank thanks add affordable
available best better bring browse budget buy buying carry cheap cheaper cheapest choose compare
cost costs costing deal deals discount dollar dollars buck bucks usd expensive find finding get
getting give good got great help item items like looking look max maximum min minimum need
needed needing nice offer offers option options order ordering pick popular price priced prices
pricey product products purchase recommend sale search sell selling sells shop shopping show
spend spending store suggest top try want wanted wanting worth
"""
_STOP = frozenset(_STOP_WORDS.split())

# Two or more names of one everyday thing, where the shop may print only the other one.
_ALIKE = (
    ("soda", "soft drink", "pop"),
    ("sofa", "couch"),
    ("yoghurt", "yogurt"),
    ("crisps", "chips"),
    ("nappies", "diapers"),
    ("diaper", "nappy"),
    ("veggies", "vegetables"),
    ("toilet paper", "toilet tissue", "bath tissue", "bathroom tissue"),
    ("cookies", "biscuits"),
    ("ketchup", "catsup"),
    ("prawns", "shrimp"),
    ("aubergine", "eggplant"),
    ("courgette", "zucchini"),
    ("coriander", "cilantro"),
    ("tv", "television"),
    ("laptop", "notebook"),
    ("sneakers", "trainers"),
    ("cellphone", "phone"),
    ("popcorn", "pop corn"),
    ("burgers", "hamburgers"),
)
_ALSO = {
    name: tuple(other for other in names if other != name) for names in _ALIKE for name in names
}


@dataclass(frozen=True, slots=True)
class Term:
    """Something asked for, as the shopper wrote it, and the phrases that count as naming it."""

    text: str
    phrases: tuple[str, ...]


def clean(text: str) -> str:
    """The text without what UTF-8 cannot hold, and without NUL, which ends a string in SQLite."""
    return text.encode("utf-8", "ignore").decode().replace("\0", " ")


def spaced(text: str) -> str:
    """Text for the tokenizer, with spaces around the signs of scripts that write without them."""
    return _IDEOGRAPH.sub(r" \1 ", clean(text))


def terms(query: str) -> tuple[Term, ...]:
    """The things a query asks for, in order, each once.

    Stop words, words of shopping ("cheap", "buy") and amounts of money are left out: they say
    nothing about the product. A run of Chinese counts as one term, matched by its pairs of signs.
    """
    text = _ASIDE.sub("", _AMOUNT.sub(" ", clean(query)))
    words = [word for word in _WORD.findall(text) if word.casefold() not in _STOP]
    found: dict[str, Term] = {}
    at = 0
    while at < len(words):
        pair = " ".join(words[at : at + 2])
        name = pair if pair.casefold() in _ALSO else words[at]
        if _IDEOGRAPH.match(name):
            signs = list(name)
            phrases = tuple(map(" ".join, pairwise(signs))) or (name,)
        else:
            phrases = (name, *_ALSO.get(name.casefold(), ()))
        found.setdefault(name.casefold(), Term(name, phrases))
        at += len(name.split())
    return tuple(found.values())


def expression(wanted: Iterable[Term]) -> str:
    """An FTS5 expression that any of the terms matches; every phrase is quoted, so that no text
    of a shopper is read as syntax. Empty when there is no term."""
    return " OR ".join(f'"{phrase}"' for term in wanted for phrase in term.phrases)


def meaning(query: str) -> str:
    """The query as it is embedded: its terms, or its own words when it has no terms."""
    return " ".join(term.text for term in terms(query)) or clean(query).strip()
