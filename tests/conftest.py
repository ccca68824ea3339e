import pytest

from assistant.shop.catalogue import Catalogue
from assistant.tools.context import Shop
from tests.tinyapp import ScriptedModel, tiny_session, tiny_shop


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
def catalogue(shop) -> Catalogue:
    return shop.catalogue
