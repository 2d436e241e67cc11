"""Short runs of training, and what is compared after them."""

import torch

from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.tasks import classification
from mtl_utils.training import fit


def sgd(groups):
    return torch.optim.SGD(groups, lr=0.1, momentum=0.5)


def weights_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


def run(model, source, **arguments):
    return fit(model, source, **({"batch_size": 32, "progress": False} | arguments))


def more_classes(split):
    return MultiTaskDataset(
        split.images,
        split.targets | {"right": split.targets["right"] + 10},
        [split.tasks[0], classification("right", 20)],
        normalization=split.normalization,
    )


def three_channels(split):
    return MultiTaskDataset(split.images.expand(-1, 3, -1, -1), split.targets, split.tasks)
