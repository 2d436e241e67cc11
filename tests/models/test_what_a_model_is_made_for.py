"""What a model is made for and made of: data without tasks, and parts that are none, are told in words."""

from __future__ import annotations

import pytest
import torch
from every_way import WAYS_OF_SHARING
from torch import nn

from mtl_utils import models

MAKERS = [*WAYS_OF_SHARING.values(), models.separate_networks]


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


@pytest.mark.parametrize(
    ("tasks", "module", "words"),
    [
        (["left"], nn.Linear(1, 1), r"part 'slope': tasks must be a tuple of names, such as \('left',\), not \['left'\]"),
        ("left", nn.Linear(1, 1), "tasks must be a tuple of names, .*, not 'left'"),
        (
            ("left",),
            nn.Parameter(torch.zeros(1)),
            "module must be an nn.Module, not a Parameter; put .* nn.ParameterList",
        ),
    ],
)
def test_parts_that_are_none(tasks, module, words):
    class Line(models.MultiTaskModel):
        def __init__(self):
            super().__init__(["left"])
            self.slope = module

        def forward(self, images):
            return {"left": images}

        def parts(self):
            return [models.Part("slope", tasks, self.slope, level=0)]

    with pytest.raises(ValueError, match=words):
        Line()
