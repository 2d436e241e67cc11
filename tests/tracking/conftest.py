"""Videos that all tests of tracking share."""

import pytest

from mtl_utils import datasets
from mtl_utils.datasets import MovingScenes


@pytest.fixture(scope="session")
def videos() -> MovingScenes:
    """MNIST objects: 2 / 2 / 12 videos of 8 frames of 64×64."""
    return datasets.moving_scenes(2, 2, 12, source="MNIST", objects=(2, 4))
