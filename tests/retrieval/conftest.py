import os
from pathlib import Path

import pytest

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
    path = os.environ.get("AISLE_TEST_EMBEDDER")
    if not path:
        pytest.skip("AISLE_TEST_EMBEDDER does not name a folder with all-MiniLM-L6-v2")
    from retrieval.embedder import Embedder  # noqa: PLC0415 (torch takes seconds to import)

    return Embedder(Path(path))
