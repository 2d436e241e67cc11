"""A small problem of three tasks, and all balancers that weigh losses."""

from collections import OrderedDict
from functools import partial

import pytest
import torch
from torch import nn

from mtl_utils import balancing, training
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.models import hard_sharing
from mtl_utils.randomness import seeded
from mtl_utils.tasks import classification, regression

TASKS = (classification("kind", 3), regression("size", 2), regression("weight", 1))
NAMES = [task.name for task in TASKS]

UncertaintyFromFirst = partial(balancing.UncertaintyWeighting, TASKS, start="first losses")
MAKERS = {
    "uncertainty weighting": partial(balancing.UncertaintyWeighting, TASKS),
    "uncertainty weighting, first losses": UncertaintyFromFirst,
    "DWA": balancing.DynamicWeightAverage,
    "random": balancing.RandomWeighting,
    "geometric mean": balancing.GeometricMean,
    "IMTL-L": balancing.IMTLL,
    "FAMO": balancing.FAMO,
    "GradNorm": balancing.GradNorm,
}
every_balancer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def encoder(shape):
    return nn.Sequential(
        OrderedDict(
            conv=nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU()), dense=nn.Sequential(nn.Flatten(), nn.Linear(108, 5), nn.ReLU())
        )
    )


def split(count=64, seed=0, tasks=TASKS):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    targets = {
        "kind": torch.randint(3, (count,), generator=generator),
        "size": torch.randn(count, 2, generator=generator) + 2,
        "weight": 10 * torch.randn(count, 1, generator=generator) + 20,
    }
    return MultiTaskDataset(images, {task.name: targets[task.name] for task in tasks}, tasks)


def model(tasks=TASKS, seed=0):
    return hard_sharing(encoder, split(tasks=tasks), seed=seed)


def losses_of(network, data, scale=None):
    images, targets = data.batch(slice(None))
    outputs = network(images)
    return {
        task.name: (scale or {}).get(task.name, 1.0) * task.loss(outputs[task.name], targets[task.name]) for task in data.tasks
    }


def made_up(**values):
    """Losses that are leaves of their own, so that a weight is a loss's gradient."""
    return {name: torch.tensor(float(value), requires_grad=True) for name, value in values.items()}


def backward(balancer, losses):
    with seeded(0):
        return balancer.backward(losses, nn.Identity())


def trained(make, steps=6, tasks=TASKS, data=None, seed=0, **arguments):
    network = model(tasks)
    balancer = make()
    history = training.fit(
        network,
        data or split(tasks=tasks),
        steps=steps,
        batch_size=32,
        balancer=balancer,
        seed=seed,
        progress=False,
        device="cpu",
        **arguments,
    )
    return network, history, balancer


def backward_on(balancer, network, data, scale=None):
    with seeded(0):
        return balancer.backward(losses_of(network, data, scale), network)
