from html.parser import HTMLParser

import pytest

from assistant.progress import silent
from assistant.settings import Settings
from assistant.setup import take_in
from tests.tinyshop import purchases, write_csv, write_shop


class Page(HTMLParser):
    """The texts and what the page would load from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.loads = [], []
        self.feed(text)

    def handle_data(self, data):
        self.texts.append(data)

    def handle_starttag(self, tag, attributes):
        self.loads += [value for name, value in attributes if name in ("src", "href")]
        assert tag != "script"


@pytest.fixture
def page(tmp_path):
    def taken_in(folder):
        settings = Settings(home=tmp_path / "home")
        settings.home.mkdir()
        take_in(folder, settings, silent)
        return Page(settings.data_report.read_text())

    return taken_in


def test_the_report_counts_what_the_folder_holds(page, tmp_path):
    found = page(write_shop(tmp_path / "shop"))
    text = " ".join(found.texts)
    assert found.loads == [], "it opens offline"
    assert f"{len(purchases())} interactions" in text
    assert "No row was set aside" in text
    for heading in ("Missing values", "Prices", "Recency", "The split", "by department"):
        assert heading in text
    assert "Grocery" in found.texts


def test_rows_set_aside_are_counted_by_reason_and_hostile_text_stays_text(page, tmp_path):
    folder = write_shop(tmp_path / "shop")
    rows = [("1", "14", "purchase", "2024-05-01T10:00:00Z")] * 2
    rows += [("1", f"<script>{n}</script>", "purchase", "2024-05-01T10:00:00Z") for n in range(3)]
    rows += [("1", "14", "theft", "2024-05-01T10:00:00Z")]
    write_csv(folder / "interactions.csv", ("customer_id", "product_id", "kind", "at"), rows)
    text = " | ".join(page(folder).texts)
    assert "3 | product_id … is not in products" in text
    assert "1 | kind … is not one of" in text
    assert "same customer, product, kind and time | 1 | made one" in text


def test_a_shop_without_interactions_has_a_report(page, tmp_path):
    folder = write_shop(tmp_path / "shop")
    for name in ("interactions", "orders", "order_lines"):
        (folder / f"{name}.csv").unlink(missing_ok=True)
    assert "suggestions will be general" in " ".join(page(folder).texts)
