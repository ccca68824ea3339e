"""What a shopper's query asks for, as words to match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

_NUMBER = r"[$€£¥]?\s*\d+(?:[.,]\d+)*"
_AMOUNT = re.compile(
    rf"[$€£¥]\s*\d+(?:[.,]\d+)*"
    rf"|\b(?:between|from)\s+{_NUMBER}\s*(?:and|to|-)\s*{_NUMBER}"
    rf"|\b(?:under|below|over|above|around|about|within|than|most|least|max|maximum|min|minimum"
    rf"|up to|for|to)\s+{_NUMBER}(?!\s*[a-z])"
    rf"|{_NUMBER}\s*(?:dollars?|bucks?|usd|eur|euros?|cents?|yuan)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"['’](?:s|t|d|m|ll|re|ve)\b|\b(?:in|out of) stock\b", re.IGNORECASE)
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_IDEOGRAPH = re.compile(f"([{_CJK}])")
_WORD = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+")

_STOP_WORDS = """
a am an and are for from go goes going as at be been being both but by can could did do does
doesn don had has have having he her here him his how i if in into is isn it its just let ll me
my no not of off on or our out re s she so than that the their them then there these they this
those to too us ve was we were what when where which while who whom whose why will with without
won would you your yours also again each every few lot lots many much more most less least only
other own per same such very around about above below between under over up within actually
anyone anything everything nothing some somebody someone something any else ever kind kinds
maybe please really sort sorts stuff thing things type types way hello hey hi ok okay thank
thanks add affordable available best better bring browse budget buy buying carry cheap cheaper
cheapest choose compare cost costs costing deal deals discount dollar dollars buck bucks usd
expensive find finding get getting give good got great help item items like looking look max
maximum min minimum need needed needing nice offer offers option options order ordering pick
popular price priced prices pricey product products purchase recommend sale search sell selling
sells shop shopping show spend spending store suggest top try want wanted wanting worth
"""
_STOP = frozenset(_STOP_WORDS.split())

# Names of one everyday thing or unit, where the shop may print only one of them.
_ALIKE = (
    ("aubergine", "eggplant"),
    ("barbecue", "barbeque", "bbq"),
    ("burger", "hamburger"),
    ("cellphone", "phone"),
    ("cookie", "biscuit"),
    ("coriander", "cilantro"),
    ("courgette", "zucchini"),
    ("crisps", "chips"),
    ("diaper", "nappy", "nappies"),
    ("ketchup", "catsup"),
    ("popcorn", "pop corn"),
    ("prawn", "shrimp"),
    ("soda", "soft drink"),
    ("sofa", "couch"),
    ("toilet paper", "toilet tissue", "bath tissue", "bathroom tissue"),
    ("trainers", "sneakers"),
    ("tv", "television"),
    ("veggie", "vegetable"),
    ("yoghurt", "yogurt"),
    ("count", "ct"),
    ("dozen", "dz"),
    ("gallon", "gal"),
    ("liter", "litre", "l"),
    ("ounce", "oz"),
    ("pack", "pk"),
    ("pint", "pt"),
    ("pound", "lb"),
    ("quart", "qt"),
)
_ALSO = {
    name: tuple(other for other in names if other != name) for names in _ALIKE for name in names
}


@dataclass(frozen=True, slots=True)
class Term:
    """Something asked for: as the shopper wrote it, the phrases that count as naming it, and how
    the shop spells it where the shopper slipped."""

    text: str
    phrases: tuple[str, ...]
    spelled: str = ""


def clean(text: str) -> str:
    """The text without what UTF-8 cannot hold, and without NUL, which ends a string in SQLite."""
    return text.encode("utf-8", "ignore").decode().replace("\0", " ")


def spaced(text: str) -> str:
    """Text for the tokenizer, with spaces around the signs of scripts that write without them."""
    return _IDEOGRAPH.sub(r" \1 ", clean(text))


def vocabulary(texts: Iterable[str]) -> set[str]:
    """The different words of the texts, folded."""
    return {word.casefold() for text in texts for word in _WORD.findall(clean(text))}


def respelled(term: Term, known: Sequence[str]) -> Term:
    """The term with the known word that it was most likely meant to be, if one is a slip away.

    By Ratcliff and Obershelp's similarity of at least 0.85; short words are too easily mistaken.
    """
    if len(term.text) < 5 or not term.text.isalpha() or not term.text.isascii():
        return term
    near = get_close_matches(term.text.casefold(), known, n=1, cutoff=0.85)
    return Term(term.text, (*term.phrases, *near), near[0]) if near else term


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
        name = pair if _also(pair) else words[at]
        if _IDEOGRAPH.match(name):
            signs = list(name)
            phrases = tuple(map(" ".join, pairwise(signs))) or (name,)
        else:
            phrases = (name, *_also(name))
        found.setdefault(name.casefold(), Term(name, phrases))
        at += len(name.split())
    return tuple(found.values())


def expression(wanted: Iterable[Term], every: bool = False) -> str:
    """An FTS5 expression that texts match which name any of the terms, or every one.

    Each phrase is quoted, so that no text of a shopper is read as syntax. Empty without terms.
    """
    named = (" OR ".join(f'"{phrase}"' for phrase in term.phrases) for term in wanted)
    return (" AND " if every else " OR ").join(f"({each})" for each in named)


def meaning(wanted: Iterable[Term]) -> str:
    """The terms as they are embedded."""
    return " ".join(term.spelled or term.text for term in wanted)


def _also(name: str) -> tuple[str, ...]:
    name = name.casefold()
    return _ALSO.get(name) or _ALSO.get(name.removesuffix("s"), ())
