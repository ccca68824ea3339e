"""`aisle evaluate sequences`: the sequence model on a published benchmark's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from assistant.errors import BadInput
from assistant.evaluation.options import Json, answer
from assistant.progress import Bars


def sequences(
    file: Path,
    epochs: Annotated[int, typer.Option(min=1, help="At the most.")] = 60,
    dim: Annotated[int, typer.Option(min=1)] = 128,
    dropout: Annotated[float, typer.Option(min=0, max=0.9)] = 0.4,
    negatives: Annotated[int, typer.Option(min=0, help="Drawn a batch; 0: all items.")] = 1024,
    rate: Annotated[float, typer.Option(min=0)] = 2e-3,
    tokens: Annotated[int, typer.Option(min=2, help="Places in a batch.")] = 1024,
    seed: int = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A folder to go on in after --minutes.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after so many.")] = None,
    as_json: Json = False,
) -> None:
    """Train and test the sequence model, leave-one-out: a line a user, then its items in order."""
    from recommender.leave_one_out import evaluate_sequences
    from recommender.sequence import SequenceSettings

    if minutes is not None and checkpoint is None:
        raise BadInput("--minutes needs a --checkpoint folder to go on in")
    settings = replace(
        SequenceSettings(),
        epochs=epochs,
        dim=dim,
        dropout=dropout,
        negatives=negatives,
        rate=rate,
        tokens=tokens,
        seed=seed,
    )
    bars = Bars()

    def told(_step: str, done: int, total: int) -> None:
        bars("Training on sequences", done, total)

    try:
        document = evaluate_sequences(
            file, settings, checkpoint=checkpoint, minutes=minutes, progress=told
        )
    except (ValueError, OSError) as error:
        raise BadInput(str(error)) from None
    if document["finished"]:
        text = "\n".join(
            f"{name:10} {value['mean']:.4f}  [{value['ci'][0]:.4f}, {value['ci'][1]:.4f}]"
            for name, value in document["test"].items()
        )
    else:
        text = f"{len(document['validation'])} checks so far; run it again to go on."
    answer(document, as_json, text)
