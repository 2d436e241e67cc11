"""Small data sets and helpers that many tests share. Nobody changes a data set, so each is built once."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from mtl_utils import datasets, models
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.tasks import classification, pixel_classification, pixel_regression, regression


@pytest.fixture(scope="session")
def two_digits():
    """MultiMNIST: 320 / 80 / 40 images."""
    return datasets.multi_mnist(320, 80, 40)


@pytest.fixture(scope="session")
def digits():
    """MNIST digits with attributes and a random task: 300 / 60 / 30 images."""
    return datasets.digits(300, 60, 30, random_classes=4)


@pytest.fixture(scope="session")
def every_kind():
    """A split of 24 small images with one task of each kind."""
    generator = torch.Generator().manual_seed(0)
    targets = {
        "kind": torch.randint(3, (24,), generator=generator),
        "place": torch.randn(24, 2, generator=generator),
        "parts": torch.randint(4, (24, 16, 20), generator=generator),
        "depth": torch.rand(24, 1, 16, 20, generator=generator),
    }
    tasks = [classification("kind", 3), regression("place", 2), pixel_classification("parts", 4), pixel_regression("depth")]
    return MultiTaskDataset(torch.randint(0, 256, (24, 3, 16, 20), generator=generator, dtype=torch.uint8), targets, tasks)


@pytest.fixture
def shared(two_digits):
    """A new hard sharing model for `two_digits`."""
    return models.hard_sharing(tiny_encoder, two_digits)


def tiny_encoder(image_shape):
    """Two stages with few weights, so that tests are fast."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Sequential(nn.Conv2d(image_shape[0], 4, 5, stride=3), nn.ReLU()),
            dense=nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 12), nn.ReLU()),
        )
    )


@pytest.fixture
def encoder():
    """The factory `tiny_encoder`."""
    return tiny_encoder


@pytest.fixture(autouse=True)
def close_figures():
    """No figure outlives its test."""
    yield
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
