"""Attributes of digits as further tasks."""

import pytest
import torch

from mtl_utils import datasets
from mtl_utils.datasets import with_attributes
from mtl_utils.datasets.labels import with_few_labels


def test_attributes_are_those_of_the_class(two_digits):
    more = with_attributes(two_digits, "right", ["even", "loop"])
    assert [task.name for task in more.tasks] == ["left", "right", "right_even", "right_loop"]
    digit = more.val.targets["right"]
    assert torch.equal(more.val.targets["right_even"] == 1, digit % 2 == 0)
    assert {int(d) for d in digit[more.val.targets["right_loop"] == 1]} <= {0, 6, 8, 9}
    assert torch.equal(more.test.images, two_digits.test.images)
    assert more.train.normalization == two_digits.train.normalization


def test_a_missing_class_is_a_missing_attribute(two_digits):
    few = two_digits.with_train(with_few_labels(two_digits.train, "left", 50))
    more = with_attributes(few, "left")
    for name in ("left_even", "left_large", "left_loop"):
        assert int((more.train.targets[name] != -100).sum()) == 50


def test_bad_input_is_told(two_digits):
    with pytest.raises(ValueError, match=r"a task of the ten digits; the tasks are \['left', 'right'\]"):
        with_attributes(two_digits, "middle")
    with pytest.raises(ValueError, match="no attribute is called 'prime'; there are even, large, loop"):
        with_attributes(two_digits, "left", ["prime"])
    with pytest.raises(ValueError, match="a task of the ten digits"):
        with_attributes(datasets.digits(20, 10, 10), "even")
