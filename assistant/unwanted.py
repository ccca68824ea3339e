"""What the shopper does not want, in their own words: "no nuts please", "I'm allergic to fish".

Read off the messages by code, not by the model, and kept for the conversation: nothing whose name
or shelf says it is suggested from then on. A name that lacks a word promises nothing about what is
inside, and whoever reads this leaves out has to say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_REFUSED = re.compile(
    # "We have no milk left" asks for milk.
    r"\b(?:(?<!have )(?<!has )(?<!had )(?<!got )(?<!there )(?<!there's )(?<!is )(?<!are )no"
    r"|without|nothing with|allerg(?:ic|y) to|skip|avoid|leave out|exclude"
    r"|(?:do not|don['’]?t|never) (?:eat|like|want|drink|use)"
    r"|(?:can ?not|can['’]?t) (?:eat|have|drink|stand))"
    r"\s+(?:any |the |more )*"
    r"(?P<first>[a-z][a-z'-]+(?: (?!n?or\b)[a-z][a-z'-]+)?)"
    r"(?P<others>(?:(?:,| or| nor)\s+[a-z][a-z'-]+)*)",
    re.IGNORECASE,
)
_ALLERGY = re.compile(r"\b(?P<first>[a-z]+) allerg(?:y|ies)\b", re.IGNORECASE)
_ALLOWED = re.compile(
    r"\b(?P<first>[a-z]+) (?:is|are) (?:fine|ok|okay|good|all right|allowed)\b", re.IGNORECASE
)
_REFUSED_ZH = re.compile(r"(?:不要|不吃|不喝|不含|别放|别给我|对)(?P<first>[\u3400-\u9fff]{1,4})")
_ZH = {
    "坚果": "nuts", "花生": "peanut", "乳制品": "dairy", "奶制品": "dairy", "牛奶": "milk",
    "奶酪": "cheese", "鸡蛋": "egg", "猪肉": "pork", "牛肉": "beef", "鸡肉": "chicken",
    "肉": "meat", "鱼": "fish", "海鲜": "seafood", "糖": "sugar", "酒": "alcohol", "咖啡": "coffee",
}  # fmt: skip
_KINDS = {
    "nut": "almond cashew pecan pistachio hazelnut macadamia",
    "dairy": "milk cheese butter yogurt cream",
    "meat": "beef pork chicken turkey ham bacon sausage lamb",
    "fish": "tuna salmon cod tilapia anchovy sardine",
    "seafood": "fish tuna salmon cod shrimp crab lobster",
    "alcohol": "beer wine liquor vodka whiskey rum",
    "gluten": "wheat",
}
"""What names a kind of food by another word; a name that says the kind itself needs none."""
_FILLERS = frozenset(
    ["no", "please", "thanks", "thank", "in", "for", "at", "on", "to", "of", "with", "and", "but",
     "this", "that", "it", "them", "these", "those", "i", "you", "we", "me", "my", "your", "a",
     "an", "now", "today", "problem", "worries", "idea", "way", "need", "one", "thing", "things",
     "longer", "matter", "either", "too", "much", "is", "are", "do", "can", "show", "just", "not",
     "added", "what", "which", "from", "there", "here", "if", "because", "since", "as", "like",
     "anymore"]
)  # fmt: skip
_POLITE = frozenset(
    ["i", "i'm", "m", "am", "we", "re", "are", "have", "a", "an", "but", "and", "please", "thanks",
     "thank", "you", "sorry", "oh", "ok", "okay", "also", "no", "actually", "though", "either"]
)  # fmt: skip
_POLITE_ZH = re.compile(r"[请我谢了的吧过敏]|还有|也")
_FREE = r"(?:\b(?:no|without|zero|non)[ -](?:added )?{0}\w*|\b{0}s?[ -](?:free|less)\b|\bun{0}\w*)"
_WORD = re.compile(r"[^\W\d_]+")


def unwanted(texts: Iterable[str]) -> tuple[str, ...]:
    """What the shopper's messages, oldest first, refuse and have not allowed again: lower case,
    singular, in the order in which it was said.
    """
    refused: dict[str, None] = {}
    for text in texts:
        for match in _ALLOWED.finditer(text):
            refused.pop(_singular(match["first"].lower()), None)
        for pattern in (_REFUSED, _ALLERGY):
            for match in pattern.finditer(text):
                others = match.groupdict().get("others") or ""
                for words in (match["first"], *re.split(r",| or | nor ", others)):
                    kept = _without_fillers(words)
                    if kept:
                        refused[kept] = None
        for match in _REFUSED_ZH.finditer(text):
            named = next((word for word in _ZH if match["first"].startswith(word)), None)
            if named:
                refused[_singular(_ZH[named])] = None
    return tuple(refused)


def only_refuses(text: str) -> bool:
    """Whether a message says what is not wanted and nothing else: "no nuts please"."""
    rest = text
    for pattern in (_REFUSED, _ALLERGY, _REFUSED_ZH):
        rest = pattern.sub(lambda match: _left_of(match["first"]), rest)
    words = [word.lower() for word in _WORD.findall(_POLITE_ZH.sub(" ", rest))]
    return bool(unwanted([text])) and all(word in _POLITE for word in words)


def says(text: str, refused: str) -> bool:
    """Whether a product's name or shelf says it, or a kind of it ("cashews" are nuts; "peanut" and
    "buttermilk" end in what was refused); "nut free" and "no added sugar" do not.
    """
    return any(_names(text, each) for each in (refused, *_KINDS.get(refused, "").split()))


def stems(refused: Sequence[str]) -> list[str]:
    """Pieces of text, one of which everything contains that `says` any of these."""
    every = [word for each in refused for word in (each, *_KINDS.get(each, "").split())]
    return [each.split()[-1].removesuffix("y") for each in every]


def _names(text: str, words: str) -> bool:
    found = text.casefold()
    for each in words.split():
        found = re.sub(_FREE.format(re.escape(each)), " ", found)
    own = {_singular(word) for word in _WORD.findall(found)}
    return all(any(word.endswith(each) for word in own) for each in words.split())


def _without_fillers(words: str) -> str:
    """The thing at the beginning, up to the first word that names none; "" where there is none."""
    kept = []
    for word in words.lower().split():
        if word in _FILLERS:
            break
        kept.append(_singular(word))
    return " ".join(kept)


def _left_of(words: str) -> str:
    """What stands behind the thing: of "meat for my dog" it is "for my dog"."""
    every = words.split()
    return " ".join(every[len(_without_fillers(words).split()) :])


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("shes", "ches", "xes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
