import pytest

from assistant.unwanted import only_refuses, says, stems, unwanted


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("no nuts please", ("nut",)),
        ("something for dinner, no pork or beef", ("pork", "beef")),
        ("I'm allergic to fish", ("fish",)),
        ("I have a nut allergy", ("nut",)),
        ("I don't eat meat.", ("meat",)),
        ("a snack without peanut butter", ("peanut butter",)),
        ("不要坚果", ("nut",)),
        ("no thanks", ()),
        ("no problem, no need", ()),
        ("no, show me pasta", ()),
        ("I don't like that one", ()),
        ("do you sell nuts?", ()),
        ("I don't want it anymore", ()),
        ("we have no milk left", ()),
        ("I don't have any eggs", ()),
        ("why is there no bread?", ()),
        ("I can't have dairy", ("dairy",)),
    ],
)
def test_what_a_message_refuses(text, refused):
    assert unwanted([text]) == refused


def test_it_stands_until_it_is_allowed_again():
    said = ["no nuts please", "what else?", "no cheese either"]
    assert unwanted(said) == ("nut", "cheese")
    assert unwanted([*said, "nuts are fine again"]) == ("cheese",)


@pytest.mark.parametrize(
    ("name", "refused", "expected"),
    [
        ("Roasted peanuts, 16 oz", "nut", True),
        ("Cashew halves", "nut", True),
        ("Granola. Grocery > Nuts", "nut", True),
        ("Nut free granola bar", "nut", False),
        ("Minute rice", "nut", False),
        ("Nutmeg", "nut", False),
        ("Buttermilk, 1 qt", "milk", True),
        ("Chips, no salt added", "salt", False),
        ("Unsalted butter", "salt", False),
        ("Sea salt", "salt", True),
        ("Peanut butter", "peanut butter", True),
        ("Butter", "peanut butter", False),
        ("Strawberries", "strawberry", True),
    ],
)
def test_what_a_name_says(name, refused, expected):
    assert says(name, refused) is expected
    if expected:
        assert any(piece in name.casefold() for piece in stems([refused]))


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("no nuts please", True),
        ("Oh, I'm allergic to fish, sorry!", True),
        ("I don't eat meat or fish", True),
        ("without cheese please", True),
        ("不要坚果，谢谢", True),
        ("snacks without nuts", False),
        ("no nuts, and where is my order?", False),
        ("no meat for my dog", False),
        ("不要坚果，给我推荐点零食", False),
        ("no thanks", False),
        ("thanks", False),
    ],
)
def test_whether_that_is_all_it_says(text, alone):
    assert only_refuses(text) is alone
