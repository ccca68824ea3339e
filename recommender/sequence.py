"""What comes next in a shopper's sequence: a causal transformer over the items they bought.

Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, with the loss of Klenitskiy
and Vasilev, "Turning Dross Into Gold Loss", RecSys 2023: at each place a softmax over the item
that came next and sampled ones, instead of a binary loss against one. The negatives are drawn once
a batch, evenly, and weighted so that they stand for the whole shop (the logQ correction for even
draws: log(items / negatives) is added to each).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recommender.interactions import Baskets, Floats, Ints

_SCORED = 512


@dataclass(frozen=True, slots=True)
class SequenceSettings:
    """`length` is the longest history read; `tokens` the places in a batch; `negatives` 0 for a
    softmax over all items; `average` the decay of the running mean of the weights that scores.
    """

    dim: int = 128
    layers: int = 2
    heads: int = 2
    length: int = 50
    dropout: float = 0.4
    negatives: int = 256
    tokens: int = 2048
    rate: float = 1e-3
    weight_decay: float = 0.0
    average: float = 0.99
    epochs: int = 60
    seed: int = 0


class SequenceModel:
    """Scores every item as the next of a customer's sequence. `learned` is by item whether it was
    in any sequence; `histories` is by customer.
    """

    def __init__(
        self,
        network: Network,
        settings: SequenceSettings,
        learned: NDArray[np.bool_],
        histories: Sequence[Ints],
    ) -> None:
        self._network = network.eval()
        self._settings = settings
        self._learned = learned
        self._histories = histories

    @classmethod
    def fit(
        cls,
        baskets: Baskets,
        settings: SequenceSettings | None = None,
        progress: Callable[[str, int, int], None] = lambda *_: None,
    ) -> SequenceModel:
        """Where a GPU is, it is used."""
        settings = settings or SequenceSettings()
        training = Training(histories_of(baskets), baskets.n_items, settings)
        while training.done < settings.epochs:
            progress("sequence", training.done, settings.epochs)
            training.epoch()
        return training.model()

    def scores(self, users: Sequence[int]) -> Floats:
        """(users, items); NaN for an item in no sequence, and a row of it for an unknown number."""
        none = np.empty(0, np.int32)
        return self.after(
            [self._histories[u] if 0 <= u < len(self._histories) else none for u in users]
        )

    def after(self, histories: Sequence[Ints]) -> Floats:
        """As `scores` for sequences made up just now, the latest item last."""
        settings, network = self._settings, self._network
        found = np.full((len(histories), len(self._learned)), np.nan, np.float32)
        known = [np.asarray(each)[self._learned[each]][-settings.length :] for each in histories]
        able = [row for row, history in enumerate(known) if len(history)]
        device = network.items.weight.device
        for start in range(0, len(able), _SCORED):
            rows = able[start : start + _SCORED]
            items, sizes = _padded([known[row] for row in rows], network.n_items)
            with torch.inference_mode():
                hidden = network(items.to(device), sizes.to(device))
                last = hidden[torch.arange(len(rows)), sizes - 1]
                logits = last @ network.items.weight[:-1].T
            found[rows] = logits.cpu().numpy()
        found[:, ~self._learned] = np.nan
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As saved; the histories come from the baskets, saved beside."""
        weights = {
            f"weight.{name}": value.cpu().numpy()
            for name, value in self._network.state_dict().items()
        }
        facts = {name: np.array(value) for name, value in asdict(self._settings).items()}
        return {**weights, **facts, "learned": self._learned}

    @classmethod
    def from_arrays(
        cls, saved: dict[str, NDArray[Any]], histories: Sequence[Ints]
    ) -> SequenceModel:
        settings = SequenceSettings(
            **{name: saved[name].item() for name in asdict(SequenceSettings())}
        )
        network = Network(len(saved["learned"]), settings)
        network.load_state_dict(
            {
                name.removeprefix("weight."): torch.from_numpy(value)
                for name, value in saved.items()
                if name.startswith("weight.")
            }
        )
        return cls(network, settings, saved["learned"], histories)


class Network(nn.Module):
    """Items and places (counted back from the latest) through causal self-attention. The items'
    embeddings are the output's weights as well; the last row, of the padding, stays zero.
    """

    def __init__(self, n_items: int, settings: SequenceSettings) -> None:
        super().__init__()
        self.n_items = n_items
        self.items = nn.Embedding(n_items + 1, settings.dim, padding_idx=n_items)
        self.places = nn.Embedding(settings.length, settings.dim)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(
            Block(settings.dim, settings.heads, settings.dropout) for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(settings.dim)
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.normal_(weight, std=0.02)
        nn.init.zeros_(self.items.weight[-1].detach())

    def forward(self, items: Tensor, sizes: Tensor) -> Tensor:
        """(n, longest) item numbers, padded at the end, and (n,) lengths to (n, longest, dim)."""
        places = (sizes[:, None] - 1 - torch.arange(items.shape[1], device=items.device)).clamp(0)
        # Small embeddings suit the output; the blocks need them as large as what they add.
        scale = float(self.items.embedding_dim) ** 0.5
        hidden: Tensor = self.dropout(self.items(items) * scale + self.places(places))
        for block in self.blocks:
            hidden = block(hidden)
        out: Tensor = self.norm(hidden)
        return out


class Block(nn.Module):
    """Attention, then a feed-forward layer, each normalised before and added after."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.rate = dropout
        self.before = nn.LayerNorm(dim)
        self.project = nn.Linear(dim, 3 * dim)
        self.join = nn.Linear(dim, dim)
        self.between = nn.LayerNorm(dim)
        self.feed = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        n, longest, dim = hidden.shape
        parts = self.project(self.before(hidden)).view(n, longest, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        # Padding is at the end, so a causal mask hides it from every real place.
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        hidden = hidden + self.dropout(self.join(mixed.transpose(1, 2).reshape(n, longest, dim)))
        out: Tensor = hidden + self.dropout(self.feed(self.between(hidden)))
        return out


class Training:
    """Epoch after epoch, to be stopped and gone on with at any of them."""

    def __init__(self, histories: Sequence[Ints], n_items: int, settings: SequenceSettings) -> None:
        torch.manual_seed(settings.seed)
        self.done = 0
        self._settings = settings
        self._histories = histories
        self._learned = np.zeros(n_items, bool)
        for history in histories:
            self._learned[history] = True
        self._accelerator = Accelerator()
        network = Network(n_items, settings)
        optimizer = torch.optim.AdamW(
            network.parameters(), settings.rate, weight_decay=settings.weight_decay
        )
        self._network, self._optimizer = self._accelerator.prepare(network, optimizer)
        self._mean = {name: value.clone() for name, value in self._weights().items()}
        self._steps = 0

    def epoch(self) -> float:
        """One pass over all sequences; the mean loss a place."""
        self._network.train()
        total, places = 0.0, 0
        for items, sizes in self._batches():
            loss, count = self._loss(items, sizes)
            self._optimizer.zero_grad()
            self._accelerator.backward(loss)
            self._accelerator.clip_grad_norm_(self._network.parameters(), 1.0)
            self._optimizer.step()
            self._average()
            total, places = total + float(loss.detach()) * count, places + count
        self.done += 1
        return total / max(places, 1)

    def model(self) -> SequenceModel:
        """With the running mean of the weights so far."""
        network = Network(len(self._learned), self._settings)
        network.load_state_dict(self._mean)
        return SequenceModel(
            network.to(self._accelerator.device), self._settings, self._learned, self._histories
        )

    def save(self, path: Path) -> None:
        fresh = path.with_suffix(".part")
        state = (self._weights(), self._optimizer.state_dict(), self._mean, self._steps, self.done)
        torch.save(state, fresh)
        fresh.replace(path)

    def load(self, path: Path) -> None:
        weights, optimizer, self._mean, self._steps, self.done = torch.load(
            path, map_location=self._accelerator.device, weights_only=True
        )
        self._accelerator.unwrap_model(self._network).load_state_dict(weights)
        self._optimizer.load_state_dict(optimizer)

    def _weights(self) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self._accelerator.unwrap_model(self._network).state_dict()
        return found

    def _average(self) -> None:
        self._steps += 1
        # The first steps are far from where the weights end: they are forgotten faster.
        keep = min(self._settings.average, self._steps / (self._steps + 10))
        for name, value in self._weights().items():
            self._mean[name].lerp_(value, 1 - keep)

    def _loss(self, items: Tensor, sizes: Tensor) -> tuple[Tensor, int]:
        network, settings = self._network, self._settings
        table = self._accelerator.unwrap_model(network).items.weight
        n_items = len(table) - 1
        inputs, targets = items[:, :-1], items[:, 1:]
        asked = targets < n_items
        hidden = network(inputs, sizes - 1)[asked]
        target = targets[asked]
        if not settings.negatives or settings.negatives >= n_items:
            return functional.cross_entropy(hidden @ table[:-1].T, target), len(target)
        drawn = torch.randint(n_items, (settings.negatives,), device=target.device)
        own = (hidden * table[target]).sum(-1, keepdim=True)
        others = hidden @ table[drawn].T + float(np.log(n_items / settings.negatives))
        others = others.masked_fill(drawn == target[:, None], -torch.inf)
        first = torch.zeros(len(target), dtype=torch.long, device=target.device)
        return functional.cross_entropy(torch.cat([own, others], 1), first), len(target)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Sequences of about one length together, in an order drawn anew every epoch."""
        settings = self._settings
        draw = np.random.default_rng([settings.seed, self.done])
        torch.manual_seed(int(draw.integers(2**31)))
        usable = [each[-settings.length - 1 :] for each in self._histories if len(each) > 1]
        sizes = np.array([len(each) for each in usable])
        order = np.argsort(sizes + draw.random(len(sizes)), kind="stable")
        batches: list[list[int]] = []
        batch: list[int] = []
        for row in order:
            if batch and (len(batch) + 1) * sizes[row] > settings.tokens:
                batches.append(batch)
                batch = []
            batch.append(int(row))
        if batch:
            batches.append(batch)
        padding = len(self._learned)
        for number in draw.permutation(len(batches)):
            items, lengths = _padded([usable[row] for row in batches[number]], padding)
            yield items.to(self._accelerator.device), lengths.to(self._accelerator.device)


def histories_of(baskets: Baskets) -> list[Ints]:
    """By customer the items in order of time."""
    return [baskets.item[baskets.of_user(user)] for user in range(len(baskets.customers))]


def _padded(histories: Sequence[Ints], padding: int) -> tuple[Tensor, Tensor]:
    """(n, longest) with `padding` at the end, and (n,) lengths, int64."""
    sizes = np.array([len(each) for each in histories], np.int64)
    items = np.full((len(histories), int(sizes.max())), padding, np.int64)
    for row, history in enumerate(histories):
        items[row, : len(history)] = history
    return torch.from_numpy(items), torch.from_numpy(sizes)
