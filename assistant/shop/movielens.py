"""A shop folder from MovieLens, in any of its published forms.

- ml-100k: u.data, u.item, u.user; ml-1m and ml-10m: ratings.dat, movies.dat, users.dat
- ml-20m and later, ml-latest: ratings.csv, movies.csv
- RecBole's atomic files, as in its wheel: *.inter, *.item, *.user

Films have no price: they cost 0. A rating says that somebody saw the film, so each is a purchase
as well. Source: Harper and Konstan, "The MovieLens Datasets", TiiS 2015.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl

from assistant.errors import BadInput
from assistant.progress import Progress
from assistant.shop.folder import rated_and_had, unpacked, write_folder
from assistant.shop.schema import SEPARATOR

_STEPS = 4
_LABEL = "Importing MovieLens"
# The order of the flags in u.item, as u.genre of ml-100k gives it.
_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip


def import_movielens(source: Path, folder: Path, progress: Progress) -> None:
    """Write the shop folder from the data's folder or zip; raises BadInput."""
    with unpacked(source) as place:
        progress(_LABEL, 0, _STEPS)
        for mark, read in _FORMS.items():
            found = next((path.parent for path in sorted(place.rglob(mark))), None)
            if found is not None:
                ratings, films, people = read(found)
                break
        else:
            raise BadInput(f"{str(source)!r} holds none of {', '.join(_FORMS)}; is it MovieLens?")
    progress(_LABEL, 1, _STEPS)
    at = pl.from_epoch(pl.col("at").cast(pl.Int64), time_unit="s").dt.replace_time_zone("UTC")
    ratings = ratings.with_columns(pl.col("value").cast(pl.Float64), at.alias("at"))
    if not ratings.height:
        raise BadInput(f"{str(source)!r} holds no rating")
    progress(_LABEL, 2, _STEPS)
    tables = {
        "products": films.select(
            "product_id", "title", "category", "attributes", pl.lit("0.00").alias("price")
        ),
        "interactions": rated_and_had(ratings, pl.lit(True)),
    }
    if people is not None:
        tables["customers"] = people
    progress(_LABEL, 3, _STEPS)
    write_folder(folder, "MovieLens", ratings["at"].max(), tables)  # type: ignore[arg-type]
    progress(_LABEL, _STEPS, _STEPS)


Tables = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]
_RATING = ("customer_id", "product_id", "value", "at")


def _first(place: Path) -> Tables:
    """ml-100k."""
    ratings = _table(place / "u.data", "\t", _RATING)
    names = ("product_id", "title", "released", "video", "url", *_GENRES)
    films = _table(place / "u.item", "|", names)
    flags = [pl.when(pl.col(genre) == "1").then(pl.lit(genre)).otherwise(None) for genre in _GENRES]
    films = films.with_columns(pl.concat_list(flags).list.drop_nulls().alias("genres"))
    people = None
    if (place / "u.user").exists():
        people = _table(
            place / "u.user", "|", ("customer_id", "age", "gender", "occupation", "zip_code")
        )
    return ratings, _films(films), people


def _second(place: Path) -> Tables:
    """ml-1m, ml-10m."""
    ratings = _table(place / "ratings.dat", "::", _RATING)
    films = _table(place / "movies.dat", "::", ("product_id", "title", "genres"))
    people = None
    if (place / "users.dat").exists():
        people = _table(
            place / "users.dat", "::", ("customer_id", "gender", "age", "occupation", "zip_code")
        )
    return ratings, _films(films.with_columns(pl.col("genres").str.split("|"))), people


def _third(place: Path) -> Tables:
    """ml-20m and later."""
    ratings = _headed(
        place / "ratings.csv",
        ",",
        {"userId": "customer_id", "movieId": "product_id", "rating": "value", "timestamp": "at"},
    )
    films = _headed(
        place / "movies.csv",
        ",",
        {"movieId": "product_id", "title": "title", "genres": "genres"},
    )
    return ratings, _films(films.with_columns(pl.col("genres").str.split("|"))), None


def _atomic(place: Path) -> Tables:
    """RecBole's: a header that says each column's type, tabs between."""
    ratings = _headed(
        _only(place, "*.inter"),
        "\t",
        {
            "user_id:token": "customer_id",
            "item_id:token": "product_id",
            "rating:float": "value",
            "timestamp:float": "at",
        },
    ).with_columns(pl.col("at").cast(pl.Float64).cast(pl.Int64))
    path = _only(place, "*.item")
    header = _header(path)
    genres = next((name for name in header if re.match(r"(class|genre)s?:token_seq", name)), None)
    names = {"item_id:token": "product_id", "movie_title:token_seq": "title"}
    names |= {genres: "genres"} if genres else {}
    names |= {"release_year:token": "year"} if "release_year:token" in header else {}
    films = _headed(path, "\t", names)
    if not genres:
        films = films.with_columns(pl.lit("").alias("genres"))
    if "year" in films.columns:
        year = pl.when(pl.col("year").is_not_null()).then(pl.format(" ({})", "year"))
        films = films.with_columns(pl.col("title") + year.otherwise(pl.lit("")))
    people = None
    if any(place.glob("*.user")):
        path = _only(place, "*.user")
        plain = {name: name.split(":")[0] for name in _header(path)}
        people = _headed(path, "\t", plain).rename({"user_id": "customer_id"})
    return ratings, _films(films.with_columns(pl.col("genres").str.split(" "))), people


_FORMS: dict[str, Callable[[Path], Tables]] = {
    "u.data": _first,
    "ratings.dat": _second,
    "ratings.csv": _third,
    "*.inter": _atomic,
}


def _films(films: pl.DataFrame) -> pl.DataFrame:
    """product_id, title, category and attributes from the title and the list of genres.

    The first genre is the shelf; all of them are an attribute.
    """
    known = pl.col("genres").list.eval(
        pl.element().filter(~pl.element().is_in(["", "unknown", "(no genres listed)"]))
    )
    named = films.with_columns(known.alias("genres"))
    first = pl.col("genres").list.first().fill_null("Other")
    everything = pl.struct(pl.col("genres").list.join(", ").fill_null(""))
    return named.with_columns(
        pl.concat_str(pl.lit("Films" + SEPARATOR), first).alias("category"),
        everything.struct.json_encode().alias("attributes"),
    )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return file.readline().rstrip("\r\n").split("\t")


def _only(place: Path, pattern: str) -> Path:
    found = sorted(place.glob(pattern))
    if not found:
        raise BadInput(f"{str(place)!r} holds no {pattern}")
    return found[0]


def _table(path: Path, between: str, names: tuple[str, ...]) -> pl.DataFrame:
    """A file without a header, every column as text; raises BadInput naming the line."""
    rows = []
    try:
        # The oldest files are Latin-1, and no byte of them is wrong in it.
        with path.open(encoding="latin-1") as file:
            for line, row in enumerate(file, 1):
                values = row.rstrip("\r\n").split(between)
                if len(values) < len(names):
                    raise BadInput(
                        f"{str(path)!r}, line {line}: {len(values)} values, not {len(names)}"
                    )
                rows.append(values[: len(names)])
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error.strerror}") from None
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _headed(path: Path, between: str, names: dict[str, str]) -> pl.DataFrame:
    """The columns of these names, renamed, every one as text; raises BadInput."""
    quote = '"' if between == "," else None
    try:
        table = pl.read_csv(path, separator=between, quote_char=quote, infer_schema=False)
        return table.select(list(names)).rename(names)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"{str(path)!r} cannot be read as MovieLens: {error}") from None
