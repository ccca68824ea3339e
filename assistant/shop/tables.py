"""Reading a shop folder's tables: every value checked, bad rows set aside with their reason."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from assistant.errors import BadInput
from assistant.shop.schema import Column, Table

_ROW = "__row"
_REASON = "__reason"
EXTRA = "__extra"
"""The columns that Aisle does not know, as one JSON object."""
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Read:
    """A table's good rows, and its bad ones with a `reason` and their `row` in the file."""

    rows: pl.DataFrame
    rejected: pl.DataFrame


def read_table(folder: Path, table: Table) -> Read | None:
    """The table as CSV or Parquet, None where an optional one is absent.

    Money comes out as text with its exact digits, times in UTC. Raises BadInput naming the file,
    and the line and column where there is one.
    """
    path = next(
        (p for p in (folder / f"{table.name}.parquet", folder / f"{table.name}.csv") if p.exists()),
        None,
    )
    if path is None:
        if table.optional:
            return None
        raise BadInput(f"{str(folder)!r} holds no {table.name}.csv or {table.name}.parquet")
    frame = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    missing = [
        name for name, column in table.columns.items()
        if column.required and name not in frame.columns
    ]  # fmt: skip
    if missing:
        raise BadInput(
            f"{str(path)!r} has no column {missing[0]!r}; it has {', '.join(frame.columns)}"
        )
    extra = [name for name in frame.columns if name not in table.columns]
    frame = frame.with_row_index(_ROW, offset=2 if path.suffix == ".csv" else 1)
    checks: list[pl.Expr] = []
    values: list[pl.Expr] = []
    for name, column in table.columns.items():
        value, check = _column(name, column, frame)
        values.append(value.alias(name))
        checks += check
    if table.key:
        key = pl.col(table.key)
        checks.append(
            pl.when(key.is_not_null() & ~key.is_first_distinct()).then(
                pl.format(f"{table.key} '{{}}' is there twice", key)
            )
        )
    raw = frame
    frame = frame.with_columns(pl.coalesce(*checks, pl.lit(None, pl.String)).alias(_REASON))
    good = pl.col(_REASON).is_null()
    rows = frame.filter(good).select(*values, _extra(extra).alias(EXTRA))
    bad = frame.filter(~good).select(_ROW, _REASON)
    rejected = bad.join(raw, on=_ROW).rename({_ROW: "row", _REASON: "reason"})
    return Read(rows, rejected)


def _column(name: str, column: Column, frame: pl.DataFrame) -> tuple[pl.Expr, list[pl.Expr]]:
    """The column's checked value, and what is wrong with a row where something is."""
    default = pl.lit(column.default)
    if name not in frame.columns:
        return default if column.kind == "json" else _typed(column, default), []
    is_text = frame.schema[name] == pl.String
    given = pl.col(name).str.strip_chars() if is_text else pl.col(name)
    if column.kind == "text":
        given = given.cast(pl.String)
    empty = given.is_null() | (given == "") if is_text or column.kind == "text" else given.is_null()
    checks: list[pl.Expr] = []
    if column.required:
        checks.append(pl.when(empty).then(pl.lit(f"{name} is empty")))
    elif frame.schema[name].is_numeric() and column.kind != "text":
        given = given.fill_null(pl.lit(column.default).cast(pl.Float64))
    elif not frame.schema[name].is_temporal():
        given = pl.when(empty).then(default).otherwise(given)
    value = _typed(column, given, frame.schema[name] if column.kind != "text" else None)
    shown = given.cast(pl.String).str.slice(0, _LONGEST)
    if column.allowed:
        allowed = ", ".join(column.allowed)
        wrong = ~given.is_in(column.allowed)
        checks.append(
            pl.when(~empty & wrong).then(pl.format(f"{name} '{{}}' is not one of {allowed}", shown))
        )
    wrong = value.is_null()
    if column.kind in ("number", "money"):
        wrong |= value.cast(pl.Float64, strict=False).is_nan()
        wrong |= value.cast(pl.Float64, strict=False).is_infinite()
    if column.kind == "money":
        wrong |= value.cast(pl.Float64, strict=False) < 0
    if column.kind != "text":
        checks.append(
            pl.when(~empty & wrong).then(
                pl.format(f"{name} '{{}}' is no {_SAID[column.kind]}", shown)
            )
        )
    return value, checks


_SAID = {
    "money": "amount of money",
    "number": "number",
    "flag": "yes or no",
    "time": "time such as 2024-05-01T10:00:00Z",
    "json": "JSON object",
}


def _typed(column: Column, value: pl.Expr, source: pl.DataType | None = None) -> pl.Expr:
    """The value as its kind, null where it is none."""
    is_text = source is None or source == pl.String
    if column.kind == "money":
        if not is_text:
            # Four decimals hold any currency's unit; binary noise behind them is no money.
            text = value.cast(pl.Decimal(18, 4), strict=False).cast(pl.String)
            return text.str.replace(r"(\.\d{2}\d*?)0+$", "$1")
        clean = value.str.replace_all(r"^[$€£¥]\s*", "")
        return pl.when(clean.str.contains(r"^-?\d{1,12}(\.\d{1,4})?$")).then(clean)
    if column.kind == "number":
        return value.cast(pl.Float64, strict=False)
    if column.kind == "time":
        if source is not None and source.is_temporal():
            zoned = isinstance(source, pl.Datetime) and source.time_zone
            moment = value.cast(pl.Datetime("us", "UTC")) if zoned else value.cast(
                pl.Datetime("us")
            ).dt.replace_time_zone("UTC")  # fmt: skip
            return moment
        return value.cast(pl.String).str.to_datetime(
            time_unit="us", time_zone="UTC", strict=False
        )  # fmt: skip
    if column.kind == "json":
        return value.cast(pl.String).map_elements(_json_object, pl.String, skip_nulls=True)
    return value


def _json_object(text: str) -> str | None:
    """The text where it is a JSON object, else None."""
    try:
        return text if isinstance(json.loads(text), dict) else None
    except ValueError:
        return None


def _extra(names: list[str]) -> pl.Expr:
    if not names:
        return pl.lit("{}")
    return pl.struct(pl.col(name).cast(pl.String) for name in names).struct.json_encode()


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"{str(path)!r} is not a Parquet file that can be read: {error}") from None


def _csv(path: Path) -> pl.DataFrame:
    """Every column as text. A file that is not regular is named down to its line."""
    line = 0
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            if len(set(header)) < len(header) or not any(header):
                raise BadInput(f"{str(path)!r}, line 1: the columns are {header}; name each once")
            for row in rows:
                line = rows.line_num
                if row and len(row) != len(header):
                    raise BadInput(
                        f"{str(path)!r}, line {line}, column {min(len(row), len(header)) + 1}: "
                        f"{len(row)} values for {len(header)} columns; quote values with commas"
                    )
        return pl.read_csv(path, infer_schema=False, null_values=[""])
    except UnicodeDecodeError:
        raise BadInput(
            f"{str(path)!r}, after line {line}: not UTF-8 text; save it as UTF-8"
        ) from None
    except (csv.Error, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{str(path)!r}, line {line + 1}: {error}") from None
    except OSError as error:
        raise BadInput(f"{str(path)!r} cannot be read: {error.strerror}") from None
