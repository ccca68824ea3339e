import pytest

from assistant.llm.models import local_path
from assistant.settings import read_settings
from retrieval.search import ProductSearch
from tests.retrieval.fakes import SHOP, HashingEmbedder


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    ProductSearch.build(folder, SHOP, HashingEmbedder()).close()
    return folder


@pytest.fixture(scope="session")
def products(shop_folder):
    found = ProductSearch.open(shop_folder, HashingEmbedder())
    yield found
    found.close()


@pytest.fixture(scope="session")
def real_embedder():
    path = local_path("all-minilm-l6-v2", read_settings().cache_folder)
    if not (path / "model.safetensors").exists():
        pytest.skip(
            "all-MiniLM-L6-v2 is not in the cache; run `aisle model fetch all-minilm-l6-v2`"
        )
    from retrieval.embedder import Embedder

    return Embedder(path)
