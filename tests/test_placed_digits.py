"""A small digit at a random place: its class, and where it is in pixels."""

import pytest
import torch

from mtl_utils.data import load_source, place, placed_digits
from mtl_utils.tasks import classification, regression


@pytest.fixture(scope="module")
def data():
    return placed_digits(300, 200, 100, seed=3)


def test_tasks_shapes_and_sizes(data):
    assert data.tasks == (classification("digit", [str(n) for n in range(10)]), regression("position", 2))
    assert data.image_shape == (1, 28, 28)
    assert (len(data.train), len(data.val), len(data.test)) == (300, 200, 100)


def test_the_position_is_the_centre_of_the_square_with_all_the_ink(data):
    ink = data.train.images[:, 0] > 0
    place_of_pixel = torch.arange(28) + 0.5
    for axis, seen in ((0, ink.any(2)), (1, ink.any(1))):
        centre = data.train.targets["position"][:, axis]
        first = torch.where(seen, place_of_pixel, torch.tensor(99.0)).amin(1)
        last = torch.where(seen, place_of_pixel, torch.tensor(-1.0)).amax(1)
        assert (first > centre - 7).all() and (last < centre + 7).all()


def test_positions_are_spread_over_the_whole_image():
    position = placed_digits(2000, 1, 1).train.targets["position"]
    assert position.amin() == 7 and position.amax() == 21
    assert position.mean(0).tolist() == pytest.approx([14, 14], abs=0.5)
    assert position.var(0).tolist() == pytest.approx([56 / 3, 56 / 3], rel=0.15)  # uniform over 15 values: (15² − 1)/12


def test_place_by_value():
    digit = torch.zeros(2, 28, 28, dtype=torch.uint8)
    digit[:, 0:2, 0:2] = torch.tensor([[100, 102], [104, 106]], dtype=torch.uint8)
    images = place(digit, torch.tensor([[0, 0], [14, 3]]))
    assert images.shape == (2, 1, 28, 28) and images.dtype == torch.uint8
    assert images[0, 0, 0, 0] == 103 and images[1, 0, 14, 3] == 103
    assert int((images > 0).sum()) == 2


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
