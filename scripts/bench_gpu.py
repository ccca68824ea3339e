"""How fast the transformers backend answers on this machine's GPU, beside what its memory allows.

The weights are random, in the shape of Qwen3-4B-Instruct-2507 (its published config.json): speed
does not depend on their values. Reported are time to the first token and tokens a second of one
shopper at a time, and the bound: every token reads all weights once from memory, whose speed is
measured in the same run by copying a gigabyte. Without a GPU a tiny shape runs instead, so that the
path stays whole; its figures mean nothing and are not written.

    python scripts/bench_gpu.py [--runs 5] [--prompt 1000] [--tokens 128] [--out docs/benchmarks]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from assistant.llm.base import Message
from assistant.llm.transformers import TransformersModel

QWEN3_4B: dict[str, Any] = {
    "vocab_size": 151936, "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "max_position_embeddings": 8192, "tie_word_embeddings": True,
}  # fmt: skip
TINY: dict[str, Any] = QWEN3_4B | {
    "vocab_size": 512, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
}  # fmt: skip
_TEMPLATE = (
    "{% for message in messages %}<|im_start|> {{ message.content }} {% endfor %}<|im_start|>"
)
_GIGABYTE = 1 << 30


def main() -> None:
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--prompt", type=int, default=1000, help="tokens to read")
    options.add_argument("--tokens", type=int, default=128, help="tokens to write")
    options.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    given = options.parse_args()
    on_gpu = torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as folder:
        save_random(Path(folder), QWEN3_4B if on_gpu else TINY)
        document = measure(folder, given.runs, given.prompt, given.tokens)
    if on_gpu:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "gpu.json").write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))


def save_random(folder: Path, shape: dict[str, Any]) -> None:
    """A model of this shape with random weights, and a tokenizer of one word a token."""
    words = ["<unk>", "<eos>", "<|im_start|>", *(f"w{n}" for n in range(500))]
    tokenizer = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<eos>", pad_token="<eos>"
    )
    fast.chat_template = _TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        # No end of text: every run writes all its tokens.
        model = Qwen3ForCausalLM(Qwen3Config(**shape, eos_token_id=None, pad_token_id=1))
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)


def measure(folder: str, runs: int, prompt: int, tokens: int) -> dict[str, Any]:
    model = TransformersModel(folder)
    asked = [Message("user", " ".join(f"w{n % 500}" for n in range(prompt)))]
    list(model.stream(asked, max_tokens=8))
    first, whole = [], []
    for _ in range(runs):
        started = time.perf_counter()
        pieces = model.stream(asked, max_tokens=tokens)
        next(pieces)
        first.append(time.perf_counter() - started)
        for _ in pieces:
            pass
        whole.append(time.perf_counter() - started)
    usage = model.last_usage[1]
    rates = [(usage.written - 1) / (end - start) for start, end in zip(first, whole, strict=True)]
    weights = sum(each.numel() * each.element_size() for each in model._model.parameters())
    bound = bandwidth() / weights
    model.close()
    return {
        "machine": torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "runs": runs,
        "prompt_tokens": usage.read,
        "written_tokens": usage.written,
        "first_token_seconds": spread(first),
        "tokens_per_second": spread(rates),
        "bound_tokens_per_second": round(bound, 1),
        "share_of_the_bound": round(statistics.median(rates) / bound, 3),
    }


def bandwidth() -> float:
    """Bytes a second that this device's memory reads, by copying a gigabyte within it."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = torch.ones(_GIGABYTE // 4, device=device)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(5):
        _wait()
        started = time.perf_counter()
        target.copy_(source)
        _wait()
        # A copy reads and writes each byte.
        best = max(best, 2 * _GIGABYTE / (time.perf_counter() - started))
    return best


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 4),
        "lowest": round(min(values), 4),
        "highest": round(max(values), 4),
    }


if __name__ == "__main__":
    main()
