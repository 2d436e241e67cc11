"""NumPy's whole numbers are as good as Python's, wherever one is expected; truth values and fractions are not."""

from __future__ import annotations

import numpy as np
import pytest

from mtl_utils import models, tasks
from mtl_utils.datasets import moving_scenes, multi_mnist
from mtl_utils.datasets.folders.loading import Reading
from mtl_utils.lab.engine.live_run import check_seed
from mtl_utils.models.encoders.stages import check_image_shape
from mtl_utils.tracking.linking import LinkingRules


def test_numbers_of_classes_and_values():
    for make in (
        tasks.classification,
        tasks.pixel_classification,
        tasks.regression,
        tasks.pixel_regression,
        tasks.grid_regression,
    ):
        task = make("a", np.int64(3))
        assert task.output_size == 3 and type(task.output_size) is int
        for wrong in (True, 2.5, np.float64(3), np.bool_(True)):
            with pytest.raises(ValueError, match=r"task 'a'|classes must be"):
                make("a", wrong)


def test_sizes():
    assert Reading(np.int64(24)).shape == (24, 24)
    assert Reading((np.int32(24), 30)).shape == (24, 30)
    for wrong in (True, 2.5, (24, True), (24,), "24", -3, ()):
        with pytest.raises(ValueError, match="size="):
            Reading(wrong)
    shape = check_image_shape((np.int64(1), np.int64(28), np.int64(28)), at_least=8, encoder="lenet")
    assert [type(side) for side in shape] == [int] * 3
    assert models.lenet(tuple(np.array([1, 28, 28]))) is not None
    assert check_seed(np.int64(3)) == 3
    assert LinkingRules(memory=np.int64(2)).memory == 2
    scenes = moving_scenes(np.int64(1), 1, 1, frames=np.int64(2), size=np.int64(32), objects=(np.int64(1), np.int64(2)))
    assert scenes.train.videos.shape[:2] == (1, 2)
    assert len(multi_mnist(np.int64(4), np.int64(2), 2).train) == 4


@pytest.mark.parametrize("wrong", [{"train": 10**9}, {"frames": 10**9}, {"size": 10**6}, {"train": np.int64(2**40)}])
def test_scenes_that_would_not_fit_into_memory(wrong):
    with pytest.raises(ValueError, match=r"GB, and would not fit into memory; ask for fewer, shorter or smaller ones"):
        moving_scenes(**{"train": 2, "val": 1, "test": 1, **wrong})
