"""The products as index numbers: their ids, groups and categories."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recommender.interactions import Ints


class Catalogue:
    """`ids` by index number; `group` the number of the products that are one to a shopper;
    `levels` (items, depth) the category names from the department down as numbers, −1 where a path
    is shorter; `leaf` the number of the whole path, −1 for none.
    """

    def __init__(
        self, ids: NDArray[np.str_], group: Ints, levels: Ints, leaf: Ints, names: NDArray[np.str_]
    ) -> None:
        self.ids: tuple[str, ...] = tuple(ids.tolist())
        self.group = group
        self.leaf = leaf
        self._levels = levels
        self._names: tuple[str, ...] = tuple(names.tolist())
        self._numbers = {product_id: number for number, product_id in enumerate(self.ids)}
        self._n_groups = int(group.max(initial=-1)) + 1

    @classmethod
    def of(cls, products: pl.DataFrame) -> Catalogue:
        """From the columns product_id, category (list of str), group; sorted by product id."""
        table = products.unique("product_id").sort("product_id")
        ids = table["product_id"].to_list()
        paths = [tuple(path or ()) for path in table["category"].to_list()]
        groups = [
            group or f"\0{product_id}"
            for group, product_id in zip(table["group"].to_list(), ids, strict=True)
        ]
        names = sorted({name for path in paths for name in path})
        number = {name: index for index, name in enumerate(names)}
        levels = np.full((len(ids), max((len(path) for path in paths), default=0)), -1, np.int32)
        for row, path in enumerate(paths):
            levels[row, : len(path)] = [number[name] for name in path]
        leaf = _numbered(paths)
        leaf[[not path for path in paths]] = -1
        return cls(
            np.array(ids, np.str_), _numbered(groups), levels, leaf, np.array(names, np.str_)
        )

    @property
    def departments(self) -> Ints:
        """By item the number of its first category name, −1 for none."""
        depth = self._levels.shape[1]
        return self._levels[:, 0] if depth else np.full(len(self.ids), -1, np.int32)

    def __len__(self) -> int:
        return len(self.ids)

    def number(self, product_id: str) -> int:
        """The index number of a product, −1 for an unknown one."""
        return self._numbers.get(product_id, -1)

    def numbers(self, product_ids: tuple[str, ...]) -> Ints:
        """The index numbers of the known ones, each once, in order."""
        found = dict.fromkeys(self.number(product_id) for product_id in product_ids)
        return np.array([number for number in found if number >= 0], np.int32)

    def in_category(self, name: str) -> NDArray[np.bool_]:
        """Which items have a level of this name, whatever its case."""
        wanted = name.strip().casefold()
        named = [n for n, level in enumerate(self._names) if level.casefold() == wanted]
        return np.asarray(np.isin(self._levels, named).any(axis=1))

    def in_groups(self, items: Ints) -> NDArray[np.bool_]:
        """Which items are of the same group as any of these."""
        if not len(items):
            return np.zeros(len(self.group), bool)
        wanted = np.zeros(self._n_groups, bool)
        wanted[self.group[items]] = True
        return wanted[self.group]

    def leaf_name(self, item: int) -> str:
        """The name of an item's leaf category, empty for none."""
        path = self._levels[item][self._levels[item] >= 0]
        return self._names[path[-1]] if len(path) else ""

    def level_name(self, name: str) -> str:
        """A category's name as the catalogue writes it."""
        wanted = name.strip().casefold()
        return next((level for level in self._names if level.casefold() == wanted), name)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "ids": np.array(self.ids, np.str_),
            "group": self.group,
            "levels": self._levels,
            "leaf": self.leaf,
            "names": np.array(self._names, np.str_),
        }

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]]) -> Catalogue:
        return cls(saved["ids"], saved["group"], saved["levels"], saved["leaf"], saved["names"])


def _numbered(keys: list[Any]) -> Ints:
    number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
    return np.array([number[key] for key in keys], np.int32)
