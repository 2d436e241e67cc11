"""The record of a run becomes tables."""

import pytest
from short_runs import run

from mtl_utils.training.history import History


def test_the_history_becomes_tables(two_digits, shared):
    history = run(shared, two_digits, steps=4, validate_every=2)
    table, validations = history.table(), history.validation_table()
    assert list(table.columns) == ["epoch", "loss left", "loss right", "weight left", "weight right"]
    assert list(table.index) == [1, 2, 3, 4]
    assert table["loss left"].tolist() == [step.losses["left"] for step in history.steps]
    assert list(validations.index) == [2, 4]
    assert validations["metric right"].tolist() == [step.validation.metrics["right"] for step in history.validations]
    assert repr(history).startswith("History(4 steps in ")
    assert history.tasks == ["left", "right"]


def test_an_empty_history_is_empty():
    assert History().table().empty
    assert History().validation_table().empty
    assert History().tasks == []
    with pytest.raises(ValueError, match=r"never validated"):
        _ = History().best
