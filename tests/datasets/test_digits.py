"""Digits with attributes: exact functions of the class, disjoint splits, and a random control."""

import pytest
import torch

from mtl_utils import datasets
from mtl_utils.datasets.sources import load_source


def test_attributes_are_functions_of_the_class(digits):
    for split in (digits.train, digits.val, digits.test):
        digit = split.targets["digit"]
        assert torch.equal(split.targets["even"], (digit % 2 == 0).long())
        assert torch.equal(split.targets["large"], (digit >= 5).long())
        assert [int(d) for d in digit[split.targets["loop"] == 1].unique()] == [0, 6, 8, 9]
        assert torch.equal(split.targets["loop"] == 0, (digit[:, None] != torch.tensor([0, 6, 8, 9])).all(1))


def test_images_are_published_ones_with_their_label(digits):
    source = load_source("MNIST", train=False)
    by_pixels = {image.numpy().tobytes(): int(label) for image, label in zip(source.images, source.labels, strict=True)}
    for image, label in zip(digits.test.images[:, 0], digits.test.targets["digit"], strict=True):
        assert by_pixels[image.numpy().tobytes()] == int(label)


def test_training_and_validation_share_no_image():
    made = datasets.digits(50_000, 10_000, 1)
    marks = [{hash(image.numpy().tobytes()) for image in split.images} for split in (made.train, made.val)]
    published = {hash(image.numpy().tobytes()) for image in load_source("MNIST", train=True).images}
    assert not marks[0] & marks[1]
    assert marks[0] | marks[1] == published


def test_a_smaller_set_is_a_part_of_a_larger_one():
    small, large = datasets.digits(20, 10, 10), datasets.digits(40, 10, 10)
    assert torch.equal(small.train.images, large.train.images[:20])


def test_random_labels_say_nothing_but_are_reproducible(digits):
    labels = digits.train.targets["random"]
    assert labels.unique().tolist() == [0, 1, 2, 3]
    assert torch.equal(labels, datasets.digits(300, 60, 30, random_classes=4).train.targets["random"])
    assert not torch.equal(labels, datasets.digits(300, 60, 30, random_classes=4, seed=1).train.targets["random"])


def test_attributes_can_be_chosen():
    assert [task.name for task in datasets.digits(5, 5, 5, attributes=("loop",)).tasks] == ["digit", "loop"]
    assert [task.name for task in datasets.digits(5, 5, 5, attributes=()).tasks] == ["digit"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": 0}, "the number of train images must be a whole number above zero, not 0"),
        ({"val": -1}, "the number of val images"),
        ({"test": 10_001}, "10,001 test images were asked for, MNIST has 10,000"),
        ({"train": 50_001}, "50,001 train images were asked for, MNIST has 50,000"),
        ({"attributes": ("odd",)}, "no attribute is called 'odd'; there are even, large, loop"),
        ({"attributes": ("even", "even")}, "two tasks are called 'even'"),
        ({"random_classes": 1}, "task 'random': classification needs at least 2 classes"),
        ({"random_classes": 0}, "task 'random': output size must be a whole number above zero"),
    ],
)
def test_wrong_arguments_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.digits(**({"train": 5, "val": 5, "test": 5} | arguments))
