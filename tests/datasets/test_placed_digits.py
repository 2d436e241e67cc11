"""A small digit at a random place: its class, and where it is in pixels."""

import pytest
import torch

from mtl_utils.datasets import load_source, place, placed_digits
from mtl_utils.tasks import classification, regression


@pytest.fixture(scope="module")
def data():
    return placed_digits(300, 200, 100, seed=3)


def test_tasks_shapes_and_sizes(data):
    assert data.tasks == (classification("digit", [str(n) for n in range(10)]), regression("position", 2))
    assert data.image_shape == (1, 28, 28)
    assert (len(data.train), len(data.val), len(data.test)) == (300, 200, 100)


def test_the_position_is_the_centre_of_the_box_around_the_ink(data):
    for image, (row, column) in zip(data.train.images[:50, 0], data.train.targets["position"].tolist(), strict=False):
        rows, columns = torch.nonzero(image, as_tuple=True)
        assert row == (rows.min() + rows.max() + 1) / 2
        assert column == (columns.min() + columns.max() + 1) / 2


def test_nothing_of_a_digit_is_lost_and_it_may_go_to_every_side():
    digits = load_source("MNIST", train=True).images[:500]
    for where, axis, edge in ((0.0, 1, 0), (0.0, 2, 0), (1.0, 1, 27), (1.0, 2, 27)):
        images, _ = place(digits, torch.full((500, 2), where))
        assert images.shape == (500, 1, 28, 28) and images.dtype == torch.uint8
        assert torch.equal(images[:, 0].flatten(1).sort().values, digits.flatten(1).sort().values)
        assert (images[:, 0].select(axis, edge) > 0).any(1).all()


def test_place_by_value():
    digit = torch.zeros(1, 4, 5, dtype=torch.uint8)
    digit[0, 1:3, 1] = torch.tensor([7, 9], dtype=torch.uint8)
    images, position = place(digit, torch.tensor([[1.0, 0.5]]))  # two rows down at most, of five columns the middle one
    expected = torch.zeros(4, 5, dtype=torch.uint8)
    expected[2:4, 2] = torch.tensor([7, 9], dtype=torch.uint8)
    assert torch.equal(images[0, 0], expected)
    assert position.tolist() == [[3.0, 2.5]]


def test_positions_are_spread_around_the_middle():
    position = placed_digits(2000, 1, 1).train.targets["position"]
    assert position.mean(0).tolist() == pytest.approx([14, 14], abs=0.3)
    assert (position.std(0) > 2).all()


def test_same_seed_same_images_and_no_image_in_two_splits(data):
    again = placed_digits(300, 200, 100, seed=3)
    assert torch.equal(data.train.images, again.train.images)
    assert torch.equal(data.test.targets["position"], again.test.targets["position"])
    assert not torch.equal(data.train.images, placed_digits(300, 200, 100, seed=4).train.images)
    everything = placed_digits(50_000, 10_000, 10_000)
    labels = torch.cat([everything.train.targets["digit"], everything.val.targets["digit"]]).bincount()
    assert torch.equal(labels, load_source("MNIST", train=True).labels.bincount())


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 10_001, 1), (1, 1, 10_001), (50_001, 1, 1)])
def test_impossible_sizes_are_refused_in_words(sizes):
    with pytest.raises(ValueError, match="images"):
        placed_digits(*sizes)
