"""Titles that read like a shop's, from the data's shouted abbreviations.

`FRZN SS PREMIUM ENTREES/DNRS/N` is how the source names a shelf. The shelves that sell the most have
a title written out in `grocer/titles.tsv`; the rest go through rules.
"""

from __future__ import annotations

import re
from importlib import resources

_WORDS = {
    "frzn": "frozen", "frz": "frozen", "fz": "frozen", "refrig": "refrigerated", "refrgratd": "refrigerated",
    "refrigrtd": "refrigerated", "sft": "soft", "drnk": "drink", "drnks": "drinks", "drnking": "drinking",
    "btl": "bottle", "carb": "carbonated", "flvrd": "flavored", "flvr": "flavored", "wtr": "water",
    "dnr": "dinner", "dnrs": "dinners", "mxs": "mixes", "mx": "mix", "pwdr": "powder", "pwdrs": "powders",
    "crystl": "crystal", "veg": "vegetable", "vegetbl": "vegetable", "vegs": "vegetables", "chix": "chicken",
    "frd": "fried", "sal": "salad", "dps": "dips", "prpck": "packed", "prepack": "packed", "prep": "prepared",
    "fd": "food", "saus": "sausage", "sw": "sweet", "gds": "goods", "brd": "bread", "brkfst": "breakfast",
    "whlsm": "wholesome", "choc": "chocolate", "chococlate": "chocolate", "org": "organic", "nat": "natural",
    "pnt": "peanut", "btr": "butter", "pkld": "pickled", "sndwch": "sandwich", "sprd": "spread",
    "drsng": "dressing", "hygn": "hygiene", "fem": "feminine", "hbc": "care", "bn": "bean", "dsh": "dish",
    "misc": "assorted", "miscellaneous": "assorted", "pkg": "pack", "pkgs": "packs", "pk": "pack",
    "pks": "packs", "cnd": "canned", "can": "canned", "ct": "count", "lg": "large", "sm": "small",
    "med": "medium", "reg": "regular", "whl": "whole", "assrtd": "assorted", "asst": "assorted",
    "hshld": "household", "hsehld": "household", "clnr": "cleaner", "clnrs": "cleaners", "access": "accessories",
    "acces": "accessories", "supp": "supplies", "supplis": "supplies", "splys": "supplies", "sply": "supplies",
    "supppl": "supplies", "equip": "equipment", "elec": "electric", "electrcl": "electrical", "med.": "medical",
    "vit": "vitamins", "min": "mineral", "alt": "alternative", "altern": "alternative", "catfd": "cat food",
    "dogfd": "dog food", "prem": "premium", "sup": "super", "ss": "single-serve", "sgl": "single",
    "sngl": "single", "srv": "serve", "sv": "serve", "mlt": "multi", "lqd": "liquid", "liq": "liquid",
    "pwd": "powder", "dtrgnt": "detergent", "ndl": "noodle", "pot": "potato", "tort": "tortilla",
    "hisp": "Hispanic", "mexican": "Mexican", "italian": "Italian", "french": "French", "asian": "Asian",
    "oriental": "Asian", "chinese": "Chinese", "greek": "Greek", "english": "English", "danish": "Danish",
    "angus": "Angus", "bbq": "BBQ", "tv": "TV", "dvd": "DVD", "cd": "CD", "vcr": "VCR", "usb": "USB",
    "iqf": "frozen", "gm": "", "ex": "", "etc": "", "nfs": "", "rw": "", "excl": "", "incl": "", "all": "",
    "svc": "service", "srvc": "service", "beverage": "beverage", "bev": "beverage", "hlth": "health",
    "gft": "gift", "crds": "cards", "stnry": "stationery", "bk": "book", "bks": "books", "mag": "magazine",
    "infnt": "infant", "infant": "infant", "form": "formula", "diapr": "diaper", "trnr": "trainer",
    "shamp": "shampoo", "cond": "conditioner", "cosm": "cosmetics", "fac": "facial", "tiss": "tissue",
    "tissu": "tissue", "nap": "napkin", "plstc": "plastic", "ppr": "paper", "foilwr": "foilware",
    "bch": "bunch", "blk": "bulk", "fltr": "filter", "w": "with", "n": "and",
}  # fmt: skip
_DEPARTMENTS = {
    "GROCERY": "Grocery", "DRUG GM": "Household & health", "PRODUCE": "Fruit & vegetables",
    "MEAT-PCKGD": "Packaged meat", "MEAT": "Meat", "DELI": "Deli", "PASTRY": "Bakery",
    "NUTRITION": "Natural foods", "SEAFOOD-PCKGD": "Packaged seafood", "SALAD BAR": "Salad bar",
    "COSMETICS": "Beauty", "FLORAL": "Flowers", "SEAFOOD": "Seafood", "SPIRITS": "Wine & spirits",
    "CHEF SHOPPE": "Chef's counter", "GARDEN CENTER": "Garden", "TRAVEL & LEISURE": "Travel & leisure",
    "RESTAURANT": "Restaurant", "FROZEN GROCERY": "Frozen", "AUTOMOTIVE": "Automotive",
    "PHOTO & VIDEO": "Photo & video", "TOYS": "Toys",
}  # fmt: skip
_CATEGORIES = {
    "FRZN MEAT/MEAT DINNERS": "Frozen meals", "FRZN VEGETABLE/VEG DSH": "Frozen vegetables",
    "ICE CREAM/MILK/SHERBTS": "Ice cream", "BAKED BREAD/BUNS/ROLLS": "Bread & buns",
    "FLUID MILK PRODUCTS": "Milk", "BAG SNACKS": "Chips & snacks", "BEERS/ALES": "Beer",
    "REFRGRATD JUICES/DRNKS": "Chilled juices", "SALD DRSNG/SNDWCH SPRD": "Dressings & spreads",
    "PWDR/CRYSTL DRNK MX": "Drink mixes", "MEAT - SHELF STABLE": "Canned meals",
    "CANDY - CHECKLANE": "Candy & gum", "CANDY - PACKAGED": "Candy", "MILK BY-PRODUCTS": "Sour cream & cottage cheese",
    "DINNER MXS:DRY": "Dinner mixes", "WATER - CARBONATED/FLVRD DRINK": "Water",
    "CRACKERS/MISC BKD FD": "Crackers", "FRUIT - SHELF STABLE": "Canned fruit",
    "VEGETABLES - SHELF STABLE": "Canned vegetables", "SEAFOOD - SHELF STABLE": "Canned fish",
    "BREAKFAST SWEETS": "Donuts & sweet rolls", "CONVENIENT BRKFST/WHLSM SNACKS": "Breakfast & snack bars",
    "DRY BN/VEG/POTATO/RICE": "Rice, beans & sides", "BEANS - CANNED GLASS & MW": "Canned beans",
    "PNT BTR/JELLY/JAMS": "Peanut butter & jam", "DRY NOODLES/PASTA": "Pasta & noodles",
    "GREETING CARDS/WRAP/PARTY SPLY": "Cards & party", "REFRGRATD DOUGH PRODUCTS": "Refrigerated dough",
    "FRZN BREAKFAST FOODS": "Frozen breakfast", "FRZN POTATOES": "Frozen potatoes",
    "WAREHOUSE SNACKS": "Chips & snacks", "FROZEN BREAD/DOUGH": "Frozen bread",
    "FRZN NOVELTIES/WTR ICE": "Ice cream treats", "DRY SAUCES/GRAVY": "Sauce & gravy mixes",
    "PEPPERS-ALL": "Peppers", "DIAPERS & DISPOSABLES": "Diapers", "FACIAL TISS/DNR NAPKIN": "Tissues & napkins",
    "COOKIES/CONES": "Cookies", "PICKLE/RELISH/PKLD VEG": "Pickles & relish", "DRY MIX DESSERTS": "Dessert mixes",
    "MOLASSES/SYRUP/PANCAKE MIXS": "Syrup & pancake mix", "SHORTENING/OIL": "Oils",
    "BROCCOLI/CAULIFLOWER": "Broccoli & cauliflower", "FD WRAPS/BAGS/TRSH BG": "Bags & wraps",
    "BABY HBC": "Baby care", "COCOA MIXES": "Cocoa & milk mixes", "VEGETABLES - ALL OTHERS": "Vegetables",
    "VEGETABLES SALAD": "Salad vegetables", "MEAT - MISC": "Frozen meat", "MISC. DAIRY": "Dairy",
    "DISPOSIBLE FOILWARE": "Foilware", "ELECTRICAL SUPPPLIES": "Light bulbs & electrical",
    "SUGARS/SWEETNERS": "Sugar & sweeteners", "DISHWASH DETERGENTS": "Dish soap", "SALADS/DIPS": "Salads & dips",
    "BATH TISSUES": "Toilet paper", "HISPANIC": "Mexican foods", "BREAKFAST SAUSAGE/SANDWICHES": "Breakfast sausage",
    "FROZEN PIE/DESSERTS": "Frozen desserts", "SEAFOOD - FROZEN": "Frozen seafood", "FRZN ICE": "Ice",
    "FRZN FRUITS": "Frozen fruit", "CHICKEN/POULTRY": "Hot chicken", "TEAS": "Tea", "EGGS": "Eggs",
    "CONDIMENTS/SAUCES": "Condiments & sauces", "COLD AND FLU": "Cold & flu", "ISOTONIC DRINKS": "Sports drinks",
}  # fmt: skip
_NO_PRODUCT = re.compile(
    r"coupon|gasoline|fuel|deposit|bottle dep|misc sales|store supply|money order|lottery|postage"
    r"|gift certificate|charit|rebate|service charge|phone card|prepaid|cntrl", re.IGNORECASE
)  # fmt: skip
_UNITS = {
    "OZ": "oz", "LB": "lb", "LBS": "lb", "CT": "ct", "L": "L", "LT": "L", "LTR": "L", "ML": "ml",
    "GAL": "gal", "GA": "gal", "GL": "gal", "PT": "pt", "QT": "qt", "PK": "pk", "G": "g", "GR": "g",
    "FT": "ft", "SQ FT": "sq ft", "IN": "in", "DZ": "dozen", "DOZ": "dozen", "EA": "ct", "ROLL": "rolls",
}  # fmt: skip
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([A-Z][A-Z ]*)\.?\s*$")


class Titles:
    """Turns the data's names into a shop's; reads its table once."""

    def __init__(self) -> None:
        text = resources.files("assistant.shop").joinpath("grocer/titles.tsv").read_text("utf-8")
        self._table = dict(line.split("\t", 1) for line in text.splitlines() if line)

    def product_type(self, kind: str, category: str) -> str:
        """`BREAD:ITALIAN/FRENCH` → `Italian or French bread`."""
        written = self._table.get(kind)
        if written is not None and not self._elsewhere(kind, category):
            return written
        cleaned = clean(kind)
        noun = self.category(category)
        generic = len(cleaned.split()) == 1 and kind in _GENERIC
        return f"{noun}, {cleaned.lower()}" if generic or not cleaned else cleaned

    def category(self, name: str) -> str:
        return _CATEGORIES.get(name) or clean(name) or "Other"

    def department(self, name: str) -> str:
        return _DEPARTMENTS.get(name) or clean(name)

    @staticmethod
    def _elsewhere(kind: str, category: str) -> bool:
        """A bare word such as PREMIUM is a different thing on another shelf."""
        home = _GENERIC.get(kind)
        return home is not None and home != category


_GENERIC = {
    "PREMIUM": "ICE CREAM/MILK/SHERBTS", "TRADITIONAL": "ICE CREAM/MILK/SHERBTS",
    "MAINSTREAM": "PASTA SAUCE", "VALUE": "PASTA SAUCE", "PRIMAL": "BEEF", "LEAN": "BEEF",
    "ENHANCED": "PORK", "ECONOMY": "BACON", "BETTER FOR YOU": "BACON", "FRESH": "DINNER SAUSAGE",
    "SMOKED/COOKED": "DINNER SAUSAGE", "POULTRY": "LUNCHMEAT", "HAM": "LUNCHMEAT",
    "BLENDS": "SALAD MIX", "ANGUS": "BEEF", "PATTIES": "BEEF", "RIBS": "PORK", "CONES": "FRZN NOVELTIES/WTR ICE",
    "CORN": "VEGETABLES - SHELF STABLE", "PEACHES": "FRUIT - SHELF STABLE", "PEARS": "FRUIT - SHELF STABLE",
    "PINEAPPLE": "FRUIT - SHELF STABLE", "ENTREES": "HEAT/SERVE", "DIPS": "PROCESSED",
    "DRESSINGS": "PROCESSED", "JUICE": "REFRIGERATED", "MISCELLANEOUS": "", "OTHER": "",
    "REGULAR": "", "NATURAL": "", "ORGANIC": "", "SPECIALTY": "", "SEASONAL": "", "ALL OTHER": "",
}  # fmt: skip


def is_product(department: str, category: str | None, kind: str | None) -> bool:
    """Whether a row of the source can be put into a cart: no coupon, fuel, deposit or unnamed line."""
    if not category or not kind or department not in _DEPARTMENTS:
        return False
    return not _NO_PRODUCT.search(f"{category} {kind}")


def size_of(package: str | None) -> str:
    """`48 OZ` → `48 oz`; "" where the source says none or something that is no size."""
    match = _SIZE.match(package or "")
    if match is None:
        return ""
    unit = _UNITS.get(match[2].strip())
    number = match[1].rstrip("0").rstrip(".") if "." in match[1] else match[1]
    return f"{number} {unit}" if unit and float(number) > 0 else ""


def clean(name: str) -> str:
    """Rules for a name without a written title: order, abbreviations, sentence case."""
    text = re.sub(r"\([^)]*\)?", " ", name).strip(" -:;,.&/")
    head, colon, tail = text.partition(":")
    if colon and tail.strip():
        text = f"{tail.strip()} {head.strip()}"
    text = re.sub(r"\s*-\s*(?=MAGAZINE)", " ", text)
    text = re.sub(r"\s+-\s+|-(?=[A-Z]{3})", ", ", text)
    text = re.sub(r"\s*/\s*", " or ", text) if text.count("/") == 1 else text.replace("/", ", ")
    text = text.replace("&", " and ").replace(" W ", " with ")
    words = []
    for word in re.findall(r"[A-Za-z0-9.%']+|,", text):
        words.append(word if word == "," else _WORDS.get(word.lower(), word.lower()))
    joined = re.sub(r"\s+,", ",", " ".join(each for each in words if each))
    joined = re.sub(r"(?:,\s*)+(?=,|$)|^\W+|\b(?:and|or|with)$", "", joined).strip(" ,")
    return joined[:1].upper() + joined[1:]
