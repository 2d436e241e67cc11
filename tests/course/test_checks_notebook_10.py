"""The checks of notebook 10's exercises accept right answers and meet likely wrong ones with a hint of their own."""

import pytest
import torch
from answers import common_tests

from mtl_utils.course.checks import notebook_10 as check
from mtl_utils.datasets import FolderError
from mtl_utils.datasets.folders.kinds import read_column
from mtl_utils.models import TaskAdapters, hard_sharing, small_cnn

KINDS = {"weight": "regression", "stars": "classification", "buyer": "classification", "amount": "error"}


def never_looks(train, test):
    labelled = train[train >= 0]
    return (test[test >= 0] == labelled.bincount().argmax()).float().mean()


def cost(probability, stained, threshold):
    alarm = probability >= threshold
    return 5 * (stained & ~alarm).sum() + (alarm & ~stained).sum()


RIGHT = [
    (check.kinds_of_columns, KINDS),
    (check.commonest_class, never_looks),
    (check.commonest_class, lambda train, test: never_looks(train, test).item()),
    (check.adapter_parameters, lambda r, out, inside, k: r * (out + inside * k * k)),
    (check.cost_of_a_threshold, cost),
]

WRONG = [
    (check.kinds_of_columns, ["regression"] * 4, "give a dictionary"),
    (check.kinds_of_columns, {**KINDS, "stars": "classes"}, "the answers are"),
    (check.kinds_of_columns, {**KINDS, "weight": "error"}, "an empty cell is a missing label"),
    (check.kinds_of_columns, {**KINDS, "stars": "regression"}, "whole numbers that come again"),
    (check.kinds_of_columns, {**KINDS, "buyer": "error"}, "names of classes"),
    (check.kinds_of_columns, {**KINDS, "amount": "regression"}, "'n/a' is no number"),
    (check.commonest_class, 0.5, "a function of the training and the test labels"),
    (check.commonest_class, lambda train, test: train[train >= 0].bincount(), "return one number"),
    (
        check.commonest_class,
        lambda train, test: (test == train[train >= 0].bincount().argmax()).float().mean(),
        "neither right nor wrong",
    ),
    (
        check.commonest_class,
        lambda train, test: (test[test >= 0] == test[test >= 0].bincount().argmax()).float().mean(),
        "commonest class of the *test* labels",
    ),
    (check.commonest_class, lambda train, test: (test[test >= 0] == train.mode().values).float().mean(), "-100 is no class"),
    (check.commonest_class, lambda train, test: 100 * never_looks(train, test), "not a percentage"),
    (check.commonest_class, lambda train, test: 0.9, "the share of the commonest training class"),
    (check.commonest_class, lambda train, test: 2 / 6, "any labels"),
    (check.commonest_class, lambda train, test: test.nonsense, "your function raised AttributeError"),
    (check.adapter_parameters, 704, "a function of the rank"),
    (check.adapter_parameters, lambda r, out, inside, k: (r, out), "return one number"),
    (check.adapter_parameters, lambda r, out, inside, k: out * inside * k * k, "that is the convolution itself"),
    (check.adapter_parameters, lambda r, out, inside, k: r * (out + inside), "each place of the kernel counts"),
    (check.adapter_parameters, lambda r, out, inside, k: r * (out + inside * k), "k·k places"),
    (check.adapter_parameters, lambda r, out, inside, k: r * out * inside * k * k, "two small matrices"),
    (check.adapter_parameters, lambda r, out, inside, k: 1, "B has out·r numbers"),
    (check.adapter_parameters, lambda r, out, inside, k: 704, "any rank and size"),
    (check.cost_of_a_threshold, 6, "a function of probabilities"),
    (check.cost_of_a_threshold, lambda p, s, t: p >= t, "return one number"),
    (check.cost_of_a_threshold, lambda p, s, t: (s & (p < t)).sum() + 5 * ((p >= t) & ~s).sum(), "the other way round"),
    (check.cost_of_a_threshold, lambda p, s, t: ((p >= t) != s).sum(), "both mistakes count one"),
    (check.cost_of_a_threshold, lambda p, s, t: ((p >= t) & ~s).sum(), "a stain that is not found"),
    (check.cost_of_a_threshold, lambda p, s, t: 5 * (s & (p < t)).sum(), "a false alarm costs 1"),
    (check.cost_of_a_threshold, lambda p, s, t: 42, "at 0.5 one stain"),
    (check.cost_of_a_threshold, lambda p, s, t: 6, "at 0.2 no stain is missed"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)


def test_the_columns_are_taken_for_what_the_check_says():
    for name, cells in check.COLUMNS.items():
        where = [f"line {number}" for number in range(len(cells))]
        if KINDS[name] == "error":
            with pytest.raises(FolderError):
                read_column(name, cells, where)
        else:
            assert read_column(name, cells, where)[0].kind == KINDS[name]


def test_the_number_of_parameters_is_that_of_an_adapter():
    from mtl_utils.datasets import multi_mnist

    model = TaskAdapters(hard_sharing(small_cnn, multi_mnist(8, 4, 4)), rank=4)
    down, up = model.adapters["left"].down[1], model.adapters["left"].up[1]  # 32 to 64 channels, 3×3
    assert check.adapter_parameters(lambda r, out, inside, k: r * (out + inside * k * k)).state == "right"
    assert down.numel() + up.numel() == 4 * (64 + 32 * 9)
    assert torch.equal(up, torch.zeros_like(up))
