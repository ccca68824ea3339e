"""The dot-product model with a logistic loss: r̂_ui = σ(⟨h_u, h_i⟩).

h_u and h_i are learned so that what a customer bought is told from items drawn at random, weighed
as binary cross-entropy (Johnson, "Logistic Matrix Factorization for Implicit Feedback Data", 2014;
negatives sampled as in Mikolov et al., NIPS 2013). One that the customer bought after all is no
negative. It trains where torch can, on a GPU as well as without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recommender.interactions import Baskets, Floats


@dataclass(frozen=True, slots=True)
class LogisticSettings:
    """`negatives` are drawn for each purchase, evenly among the items that anyone bought.

    Drawn by popularity instead, what many buy scores too low to be found among new items.
    """

    dim: int = 64
    negatives: int = 8
    batch: int = 8192
    rate: float = 0.01
    weight_decay: float = 0.1
    epochs: int = 10
    seed: int = 0


class Logistic:
    """`customers` is (customers, dim), `items` (items, dim), NaN rows for what nobody bought."""

    def __init__(self, customers: Floats, items: Floats) -> None:
        self._customers = customers
        self._items = items

    @classmethod
    def fit(
        cls,
        baskets: Baskets,
        settings: LogisticSettings | None = None,
        progress: Callable[[str, int, int], None] = lambda *_: None,
    ) -> Logistic:
        """From who bought what, however often."""
        settings = settings or LogisticSettings()
        bought = baskets.matrix().tocoo()
        buyers = np.bincount(bought.col, minlength=baskets.n_items)
        if not bought.nnz:
            shapes = ((len(baskets.customers), settings.dim), (baskets.n_items, settings.dim))
            return cls(*(np.full(shape, np.nan, np.float32) for shape in shapes))
        torch.manual_seed(settings.seed)
        accelerator = Accelerator()
        model = _Vectors(len(baskets.customers), baskets.n_items, settings.dim)
        optimizer = torch.optim.AdamW(
            model.parameters(), settings.rate, weight_decay=settings.weight_decay
        )
        model, optimizer = accelerator.prepare(model, optimizer)
        device = accelerator.device
        customer = torch.from_numpy(bought.row.astype(np.int64)).to(device)
        item = torch.from_numpy(bought.col.astype(np.int64)).to(device)
        pairs = torch.sort(customer * baskets.n_items + item).values
        able = torch.from_numpy(np.flatnonzero(buyers)).to(device)
        for epoch in range(settings.epochs):
            progress("logistic", epoch, settings.epochs)
            order = torch.randperm(len(item), device=device)
            for rows in torch.split(order, settings.batch):
                shape = (len(rows), settings.negatives)
                drawn = able[torch.randint(len(able), shape, device=device)]
                keys = customer[rows][:, None] * baskets.n_items + drawn
                place = torch.searchsorted(pairs, keys).clamp(max=len(pairs) - 1)
                loss = model(customer[rows], item[rows], drawn, pairs[place] != keys)
                optimizer.zero_grad()
                accelerator.backward(loss)
                optimizer.step()
        vectors = accelerator.unwrap_model(model)
        items = vectors.items.weight.detach().cpu().numpy()
        items[buyers == 0] = np.nan
        return cls(vectors.customers.weight.detach().cpu().numpy(), items)

    def scores(self, users: Sequence[int]) -> Floats:
        """r̂, (users, items), from 0 to 1; NaN for an item that nobody bought, and a row of it for
        an unknown number.
        """
        found = np.full((len(users), len(self._items)), np.nan, np.float32)
        for row, user in enumerate(users):
            if 0 <= user < len(self._customers):
                found[row] = 1 / (1 + np.exp(-(self._items @ self._customers[user])))
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"customers": self._customers, "items": self._items}

    @classmethod
    def from_arrays(cls, saved: dict[str, NDArray[Any]]) -> Logistic:
        return cls(saved["customers"], saved["items"])


class _Vectors(nn.Module):
    def __init__(self, n_customers: int, n_items: int, dim: int) -> None:
        super().__init__()
        self.customers = nn.Embedding(n_customers, dim)
        self.items = nn.Embedding(n_items, dim)
        for table in (self.customers, self.items):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, customer: Tensor, item: Tensor, drawn: Tensor, counts: Tensor) -> Tensor:
        """The loss of purchases (n,), and of drawn items (n, negatives) where `counts`."""
        own = self.customers(customer)
        bought = (own * self.items(item)).sum(-1)
        others = (self.items(drawn) @ own[:, :, None]).squeeze(-1)
        loss: Tensor = (
            functional.softplus(-bought).sum() + functional.softplus(others[counts]).sum()
        )
        return loss / len(customer)
