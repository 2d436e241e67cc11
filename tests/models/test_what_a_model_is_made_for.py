"""Models are made for data that say what their tasks are; anything else is told in words, whatever the way of sharing."""

from __future__ import annotations

import pytest
import torch

from mtl_utils import models

MAKERS = [
    models.hard_sharing, models.separate_networks, models.cross_stitch, models.nddr, models.twin_columns,
    models.mixture_of_experts, models.customized_gate_control, models.mtan,
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("data", "words"),
    [(torch.zeros(4, 1, 28, 28), r"not a tensor of shape \(4, 1, 28, 28\)"), ([1, 2], "not a list"), (None, "not a NoneType")],
)
def test_data_that_do_not_say_their_tasks(make, data, words):
    with pytest.raises(ValueError, match=words):
        make(models.lenet, data)


def test_data_for_one_task_and_for_scenes():
    with pytest.raises(ValueError, match="not a tensor"):
        models.single_task(models.lenet, torch.zeros(3), "left")
    with pytest.raises(ValueError, match="not a tensor"):
        models.scene_network(torch.zeros(3))


def test_the_name_of_an_encoder():
    class Data:
        tasks, image_shape = (), (1, 28, 28)

    with pytest.raises(ValueError, match=r"such as models\.lenet, not 'lenet'"):
        models.hard_sharing("lenet", Data())
