"""How well the next item of a sequence is guessed: the last of each is the test, the one before it
the validation; full ranking over all items that the sequence does not hold yet.

This is the protocol of the published tables on Amazon reviews (users and items of five or more),
whose file has a line a user: the user, then the items in order of time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import Ints
from recommender.sequence import SequenceModel, SequenceSettings, Training

CUTS = (5, 10, 20)
RESAMPLES = 1000
_EVERY = 4
_PATIENCE = 5
_BATCH = 512

Progress = Callable[[str, int, int], None]


def read_sequences(path: Path) -> tuple[list[Ints], int]:
    """The sequences as index numbers and how many items there are.

    Raises ValueError with the line for one that is too short, OSError for a file that is not read.
    """
    numbers: dict[str, int] = {}
    sequences = []
    with path.open(encoding="utf-8") as file:
        for line, row in enumerate(file, 1):
            items = row.split()[1:]
            if len(items) < 3:
                raise ValueError(
                    f"{str(path)!r}, line {line}: {len(items)} items; a sequence needs three, "
                    "one to learn from, one to tune on and one to test on"
                )
            sequences.append(
                np.array([numbers.setdefault(item, len(numbers)) for item in items], np.int32)
            )
    if not sequences:
        raise ValueError(f"{str(path)!r} holds no sequence")
    return sequences, len(numbers)


def evaluate_sequences(
    path: Path,
    settings: SequenceSettings,
    *,
    checkpoint: Path | None = None,
    minutes: float | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Train, keep the epoch of the best validation nDCG at 10, test that one only.

    It stops after `settings.epochs`, or when 20 epochs brought nothing. With a `checkpoint` folder
    a run that used up its `minutes` goes on there the next time; until then it answers
    `"finished": false`. ValueError for a file or a checkpoint that does not fit.
    """
    began = monotonic()
    sequences, n_items = read_sequences(path)
    training = Training([each[:-2] for each in sequences], n_items, settings)
    facts = {"data": path.name, "settings": asdict(settings)}
    curve: list[dict[str, float]] = []
    best: dict[str, NDArray[Any]] = {}
    if checkpoint and (checkpoint / "curve.json").exists():
        curve, best = _resume(checkpoint, training, facts)
    while training.done < settings.epochs and not _settled(curve):
        if minutes is not None and monotonic() - began > 60 * minutes:
            return {**facts, "finished": False, "validation": curve}
        progress("sequence", training.done, settings.epochs)
        loss = training.epoch()
        if training.done % _EVERY and training.done < settings.epochs:
            continue
        model = training.model()
        ranks = ranked([each[:-2] for each in sequences], [each[-2] for each in sequences], model)
        row = {"epoch": training.done, "loss": loss, **_means(ranks)}
        if row["ndcg@10"] > max((each["ndcg@10"] for each in curve), default=-1):
            best = model.arrays()
        curve.append(row)
        if checkpoint:
            _keep(checkpoint, training, facts, curve, best)
    progress("sequence", settings.epochs, settings.epochs)
    model = SequenceModel.from_arrays(best, [])
    histories, truth = [each[:-1] for each in sequences], [each[-1] for each in sequences]
    chosen = max(curve, key=lambda each: each["ndcg@10"])
    return {
        **facts,
        "finished": True,
        "users": len(sequences),
        "items": n_items,
        "interactions": sum(len(each) for each in sequences),
        "split": "last item test, the one before validation; full ranking without the history",
        "seed": settings.seed,
        "validation": curve,
        "chosen_epoch": chosen["epoch"],
        "test": _summary(ranked(histories, truth, model), settings.seed),
        "test_with_history": _means(ranked(histories, truth, model, hide=False)),
    }


def ranked(
    histories: Sequence[Ints], truth: Sequence[int], model: SequenceModel, hide: bool = True
) -> NDArray[np.int64]:
    """The place of each true item among all, from 0; ties and what has no score count against it.

    With `hide` the items of the history are no candidates.
    """
    places = []
    for start in range(0, len(histories), _BATCH):
        batch = histories[start : start + _BATCH]
        scores = np.nan_to_num(model.after(batch), nan=-np.inf)
        if hide:
            for row, history in enumerate(batch):
                scores[row, history] = -np.inf
        target = np.array(truth[start : start + _BATCH])
        own = scores[np.arange(len(batch)), target]
        places.append((scores >= own[:, None]).sum(axis=1) - 1)
    return np.concatenate(places)


def _means(ranks: NDArray[np.int64]) -> dict[str, float]:
    found = {f"recall@{k}": float((ranks < k).mean()) for k in CUTS}
    return found | {f"ndcg@{k}": float(_gains(ranks, k).mean()) for k in CUTS}


def _gains(ranks: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    return np.where(ranks < k, 1 / np.log2(ranks + 2), 0.0)


def _summary(ranks: NDArray[np.int64], seed: int) -> dict[str, Any]:
    """The means with their 95 % bootstrap intervals over users."""
    draw = np.random.default_rng(seed)
    samples: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        for name, value in _means(ranks[draw.integers(0, len(ranks), len(ranks))]).items():
            samples.setdefault(name, []).append(value)
    return {
        name: {"mean": mean, "ci": np.percentile(samples[name], [2.5, 97.5]).tolist()}
        for name, mean in _means(ranks).items()
    }


def _settled(curve: list[dict[str, float]]) -> bool:
    """Whether the best is so far back that training on is a waste."""
    values = [each["ndcg@10"] for each in curve]
    return len(values) - int(np.argmax(values)) > _PATIENCE if values else False


def _keep(
    folder: Path,
    training: Training,
    facts: dict[str, Any],
    curve: list[dict[str, float]],
    best: dict[str, NDArray[Any]],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    training.save(folder / "training.pt")
    np.savez(folder / "best.npz", allow_pickle=False, **best)
    (folder / "curve.json").write_text(json.dumps({**facts, "curve": curve}, indent=1))


def _resume(
    folder: Path, training: Training, facts: dict[str, Any]
) -> tuple[list[dict[str, float]], dict[str, NDArray[Any]]]:
    kept = json.loads((folder / "curve.json").read_text())
    if {name: kept.get(name) for name in facts} != facts:
        raise ValueError(
            f"{str(folder)!r} holds a run of other data or settings; name another folder"
        )
    training.load(folder / "training.pt")
    with np.load(folder / "best.npz", allow_pickle=False) as saved:
        return kept["curve"], dict(saved)
