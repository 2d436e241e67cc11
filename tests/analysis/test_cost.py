"""What a training step costs: the counts are those of a network that one can count by hand."""

from __future__ import annotations

import pytest
import torch

from mtl_utils import datasets, models
from mtl_utils.analysis import measure_cost, saved_bytes
from mtl_utils.randomness import seeded


@pytest.fixture(scope="module")
def pairs() -> datasets.Splits:
    return datasets.multi_mnist(train=64, val=16, test=16)


def test_what_autograd_keeps_of_a_small_network() -> None:
    """A dense layer keeps its input, and ReLU its output, which is also the input of the second layer."""
    with seeded(0):
        model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    images = torch.zeros(4, 6)
    assert saved_bytes(model, images) == 4 * (4 * 6 + 4 * 5)


def test_a_model_that_is_frozen_keeps_nothing() -> None:
    with seeded(0):
        model = torch.nn.Linear(6, 5).requires_grad_(False)
    assert saved_bytes(model, torch.zeros(4, 6)) == 0


def test_two_networks_keep_twice_what_one_keeps_but_the_images_once(pairs: datasets.Splits) -> None:
    ways = {"two": models.separate_networks(models.lenet, pairs), "left": models.single_task(models.lenet, pairs, "left")}
    images, _ = pairs.train.batch(slice(0, 32))
    assert saved_bytes(ways["two"], images) == 2 * saved_bytes(ways["left"], images) - images.nbytes


def test_the_table(pairs: datasets.Splits) -> None:
    ways = {"shared": models.hard_sharing(models.lenet, pairs), "separate": models.separate_networks(models.lenet, pairs)}
    cost = measure_cost(ways, pairs.train, batch_size=32, rounds=1)
    assert list(cost.index) == ["shared", "separate"]
    assert list(cost["parameters"]) == [22_350, 43_680]
    assert list(cost["state (KB)"]) == [4 * 4 * 22_350 / 1024, 4 * 4 * 43_680 / 1024]  # 4 copies of 4 bytes
    assert (cost["ms per step"] > 0).all()
    assert cost.loc["shared", "activations (KB)"] < cost.loc["separate", "activations (KB)"]


def test_a_split_that_is_too_small(pairs: datasets.Splits) -> None:
    with pytest.raises(ValueError, match=r"batch of 65 images.*has 64"):
        measure_cost({"shared": models.hard_sharing(models.lenet, pairs)}, pairs.train, batch_size=65)


@pytest.mark.parametrize("rounds", [0, -1, 1.5])
def test_bad_rounds(pairs: datasets.Splits, rounds: float) -> None:
    with pytest.raises(ValueError, match="rounds"):
        measure_cost({}, pairs.train, batch_size=8, rounds=rounds)
