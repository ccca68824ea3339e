"""Titles that read like a shop's, from the data's shouted abbreviations.

`FRZN SS PREMIUM ENTREES/DNRS/N` is how the source names a shelf. The shelves that sell the most
have a title written out in `grocer/titles.tsv`; the rest go through rules.
"""

from __future__ import annotations

import re
from importlib import resources

_NO_PRODUCT = re.compile(
    r"coupon|gasoline|fuel|deposit|bottle dep|misc sales|store supply|money order|lottery|postage"
    r"|photofinishing|tickets|calling card|(?:meat|deli|prod) supplies|continuities"
    r"|gift certificate|charit|rebate|service charge|phone card|prepaid|cntrl",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"(?:(?P<packs>\d+)\s*(?:PK|CT)?\s*/\s*)?"
    r"(?P<number>\d*\.?\d+)?\s*(?P<unit>[A-Z][A-Z ]*)"
)
_LARGEST = 1000
"""A number above it is a code that slipped into the column."""
_BY_THE_CASE = ("PRODUCE", "SALAD BAR", "FLORAL")
_SINGLES = re.compile(r"12/18|20PK|6PK|MLT-PK")


class Titles:
    """Turns the data's names into a shop's; reads its tables once."""

    def __init__(self) -> None:
        self._titles = _table("titles")
        self._categories = _table("categories")
        self._departments = _table("departments")
        self._words = _table("abbreviations")
        self._units = _table("units")
        # A bare word such as PREMIUM is a different thing on each shelf: the one where its
        # written title holds, or none.
        self._shelves = _table("shelves")
        self._proper = frozenset(word for word in self._words.values() if word[:1].isupper())

    def is_product(self, department: str, category: str | None, kind: str | None) -> bool:
        """Whether a row can be put into a cart: no coupon, fuel, deposit or unnamed line."""
        if not category or not kind or department not in self._departments:
            return False
        return not _NO_PRODUCT.search(f"{category} {kind}")

    def title(self, kind: str, category: str, size: str, brand: str) -> str:
        """`Vanilla ice cream, 48 oz`, after the brand's name where there is one."""
        name = self.product_type(kind, category)
        if brand:
            proper = name.split()[0].strip(",") in self._proper or not name[1:2].islower()
            name = f"{brand} {name if proper else name[0].lower() + name[1:]}"
        return f"{name}, {size}" if size else name

    def product_type(self, kind: str, category: str) -> str:
        """`BREAD:ITALIAN/FRENCH` → `Italian or French bread`."""
        shelf = self._shelves.get(kind)
        if kind in self._titles and shelf in (None, category):
            return self._titles[kind]
        cleaned = self.clean(kind)
        if cleaned and (shelf is None or len(cleaned.split()) > 1):
            return cleaned
        return f"{self.category(category)}, {cleaned.lower()}".strip(", ")

    def category(self, name: str) -> str:
        return self._categories.get(name) or self.clean(name) or "Other"

    def department(self, name: str) -> str:
        return self._departments.get(name) or self.clean(name)

    def size(self, package: str | None, department: str = "", kind: str = "") -> str:
        """`48 OZ` → `48 oz`, `12 PK/12 OZ` → `12 × 12 oz`; "" where the source says none.

        Produce carries the size of the case it came in, and packs of cans that of one can: the
        first is dropped, the second says so, because a size is a promise.
        """
        match = _SIZE.fullmatch(re.sub(r"\([^)]*\)|\*", "", package or "").strip())
        unit = self._units.get(match["unit"].strip()) if match else None
        if match is None or unit is None:
            return ""
        packs, number = match["packs"], float(match["number"] or 1)
        if packs == "1":
            packs, number = None, 1 / number if number else 0.0
        elif (packs, number) in (("3", 4), ("2", 3)):
            return ""  # three quarters of an ounce, or three packs of four?
        if match["number"] is None and (unit not in ("gal", "pt", "qt", "L") or packs):
            return ""
        if not 0 < number <= _LARGEST:
            return ""
        if department in _BY_THE_CASE and (unit == "ct" or (unit == "lb" and number > 10)):
            return ""
        size = f"{number:g} {unit}"
        if packs:
            return f"{int(packs)} × {size}"
        return f"{size} each" if unit == "oz" and _SINGLES.search(kind) else size

    def clean(self, name: str) -> str:
        """Rules for a name without a written title: order, abbreviations, sentence case."""
        text = re.sub(r"\([^)]*\)?", " ", name).strip(" -:;,.&/")
        head, colon, tail = text.partition(":")
        if colon and tail.strip():
            text = f"{tail.strip()} {head.strip()}"
        text = re.sub(r"\s*-\s*(?=MAGAZINE)", " ", text)
        text = re.sub(r"\b(NON|PRE|MULTI|SEMI|SUGAR)-", r"\1 ", text)
        text = re.sub(r"\s+-\s+|-(?=[A-Z]{3})", ", ", text)
        text = re.sub(r"\s*/\s*", " or ", text) if text.count("/") == 1 else text.replace("/", ", ")
        text = text.replace("&", " and ").replace(" W ", " with ")
        found = re.findall(r"[A-Za-z0-9.%']+|,", text)
        words = [
            each if each == "," else self._words.get(each.lower(), each.lower()) for each in found
        ]
        joined = re.sub(r"\s+,", ",", " ".join(each for each in words if each))
        joined = re.sub(r"(?:,\s*)+(?=,|$)|^\W+|\b(?:and|or|with)$", "", joined).strip(" ,")
        return joined[:1].upper() + joined[1:]


def _table(name: str) -> dict[str, str]:
    text = resources.files("assistant.shop").joinpath(f"grocer/{name}.tsv").read_text("utf-8")
    return dict(line.split("\t", 1) for line in text.splitlines() if line)
