import shutil
import sys

import pytest

from assistant.cli import main
from assistant.shop.catalogue import Catalogue
from assistant.tools.context import Shop
from tests.tinyapp import ScriptedModel, tiny_session, tiny_shop


def pytest_addoption(parser) -> None:
    parser.addoption("--screenshots", help="keep the browser tests' pictures in this folder")


@pytest.fixture(scope="session")
def shop(tmp_path_factory) -> Shop:
    """The tiny shop, built once: nothing in it is written to by a conversation."""
    return tiny_shop(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def open_session(shop, tmp_path):
    """Opens a session over the tiny shop and a scripted model; the same store for each call."""
    opened = []

    def open_(*decisions, words=None, **options):
        model_options = {k: options.pop(k) for k in ("wording", "delay") if k in options}
        model = ScriptedModel(decisions, words or ('{"opening":"Here you go:"}',), **model_options)
        url = f"sqlite:///{tmp_path / 'conversations.db'}"
        session = tiny_session(shop, url, model, **options)
        opened.append(session)
        return session, model

    yield open_
    for session in opened:
        session.close()


@pytest.fixture
def aisle(monkeypatch, capsys):
    """Runs a command and gives its exit code, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["aisle", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture
def pictures(request, tmp_path):
    """Where screenshots go: `--screenshots FOLDER`, else nowhere that stays."""
    folder = request.config.getoption("--screenshots")
    return tmp_path if folder is None else request.config.rootpath / folder


@pytest.fixture
def catalogue(shop) -> Catalogue:
    return shop.catalogue


@pytest.fixture(scope="session")
def chromium():
    """A real browser: Debian's chromium, driven by Playwright."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is not installed: `apt-get install chromium` and run this again")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens the page at an address in a browser of its own; it must complain of nothing."""
    from tests.web.shoppers import ShopperAtPage

    visitors = []

    def visit_(address, **context):
        visitors.append(ShopperAtPage(chromium, address, **context))
        return visitors[-1]

    yield visit_
    for visitor in visitors:
        visitor.leave()
        assert visitor.complaints == []


@pytest.fixture
def attend(chromium):
    """Opens the desk at an address as a colleague, in a browser of its own; as `visit`."""
    from tests.web.colleagues import ColleagueAtDesk

    colleagues = []

    def attend_(address, name=None, **context):
        colleagues.append(ColleagueAtDesk(chromium, address, name, **context))
        return colleagues[-1]

    yield attend_
    for colleague in colleagues:
        colleague.leave()
        assert colleague.complaints == []
