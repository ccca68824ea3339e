import json

import numpy as np
import pytest

from recommender.leave_one_out import evaluate_sequences, ranked, read_sequences
from recommender.sequence import SequenceModel, SequenceSettings, Training


def silent(*_):
    return


TINY = SequenceSettings(dim=16, heads=1, length=12, dropout=0.0, rate=0.01, tokens=128, epochs=20)
ITEMS = 12


@pytest.fixture(scope="module")
def cycles():
    """Whoever buys an item buys the next number afterwards, around and around."""
    draw = np.random.default_rng(0)
    return [
        (np.arange(draw.integers(4, 10)) + draw.integers(ITEMS)).astype(np.int32) % ITEMS
        for _ in range(80)
    ]


@pytest.fixture(scope="module")
def model(cycles):
    training = Training(cycles, ITEMS + 1, TINY)
    losses = [training.epoch() for _ in range(TINY.epochs)]
    assert losses[-1] < losses[0] / 2
    return training.model()


def test_it_learns_what_follows(model):
    asked = [np.array([n, (n + 1) % ITEMS, (n + 2) % ITEMS], np.int32) for n in range(ITEMS)]
    guessed = np.nanargmax(model.after(asked), axis=1)
    assert (guessed == (np.arange(ITEMS) + 3) % ITEMS).mean() > 0.9


def test_what_lies_ahead_is_not_seen(model):
    """A shorter history in the same batch scores as it does alone."""
    short, long = np.array([3, 4], np.int32), np.arange(9, dtype=np.int32)
    together = model.after([short, long])
    np.testing.assert_allclose(together[0], model.after([short])[0], rtol=1e-4, atol=1e-5)


def test_items_in_no_sequence_and_empty_histories_are_unknown(model):
    scores = model.after([np.array([ITEMS, 3], np.int32), np.empty(0, np.int32)])
    assert np.isnan(scores[:, ITEMS]).all()
    assert np.isfinite(scores[0, :ITEMS]).all()
    assert np.isnan(scores[1]).all()


def test_sampled_and_whole_softmax_agree(cycles):
    """The correction makes the sampled loss an estimate of the whole one."""
    losses = []
    for negatives in (0, ITEMS - 2):
        settings = SequenceSettings(dim=16, heads=1, dropout=0.0, negatives=negatives, epochs=1)
        losses.append(Training(cycles, ITEMS, settings).epoch())
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_a_training_that_was_cut_off_goes_on_as_if_it_was_not(cycles, tmp_path):
    whole, first = (Training(cycles, ITEMS, TINY) for _ in range(2))
    for _ in range(3):
        whole.epoch()
    first.epoch()
    first.save(tmp_path / "training.pt")
    second = Training(cycles, ITEMS, TINY)
    second.load(tmp_path / "training.pt")
    second.epoch()
    second.epoch()
    asked = [np.array([1, 2], np.int32)]
    np.testing.assert_allclose(whole.model().after(asked), second.model().after(asked), rtol=1e-4)


def test_ranks_are_among_all_items_that_are_new(model):
    history = np.array([3, 4, 5], np.int32)
    scores = model.after([history])[0]
    target = int(np.argsort(-np.nan_to_num(scores, nan=-np.inf))[4])
    better = [n for n in range(ITEMS) if scores[n] > scores[target]]
    assert ranked([history], [target], model, hide=False) == [len(better)]
    assert ranked([history], [target], model) == [len(set(better) - {3, 4, 5})]


@pytest.fixture
def file(cycles, tmp_path):
    path = tmp_path / "sequences.txt"
    path.write_text("\n".join(f"u{n} {' '.join(map(str, s))}" for n, s in enumerate(cycles)))
    return path


def test_leave_one_out_reports_validation_and_test(file):
    answer = evaluate_sequences(file, TINY, progress=silent)
    assert answer["finished"]
    assert answer["users"] == 80
    best = max(answer["validation"], key=lambda each: each["ndcg@10"])
    assert answer["chosen_epoch"] == best["epoch"]
    recall = answer["test_with_history"]["recall@5"]
    assert recall > 0.5
    low, high = answer["test"]["recall@10"]["ci"]
    assert low <= answer["test"]["recall@10"]["mean"] <= high


def test_a_run_goes_on_in_its_folder(file, tmp_path):
    folder = tmp_path / "run"
    answer = evaluate_sequences(file, TINY, checkpoint=folder, minutes=0, progress=silent)
    assert not answer["finished"]
    answer = evaluate_sequences(file, TINY, checkpoint=folder, progress=silent)
    again = evaluate_sequences(file, TINY, checkpoint=folder, progress=silent)
    assert again["finished"]
    assert json.dumps(again) == json.dumps(answer)
    other = SequenceSettings(dim=8)
    with pytest.raises(ValueError, match="other data or settings"):
        evaluate_sequences(file, other, checkpoint=folder, progress=silent)


def test_a_sequence_that_is_too_short_is_named(tmp_path):
    path = tmp_path / "sequences.txt"
    path.write_text("1 10 11 12\n2 13\n")
    with pytest.raises(ValueError, match="line 2: 1 items"):
        read_sequences(path)


def test_a_shop_without_sequences_scores_nothing():
    training = Training([np.array([1], np.int32), np.empty(0, np.int32)], 3, TINY)
    assert training.epoch() == 0
    assert isinstance(training.model(), SequenceModel)
