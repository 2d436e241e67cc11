"""The ways of sharing beyond the hard one, and small data to try them on."""

import pytest
import torch
from every_way import WAYS_OF_SHARING

from mtl_utils import models
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.tasks import classification


def small_cnn(shape):
    return models.small_cnn(shape, channels=(4, 6, 8))


def cross_stitch_scalar(encoder, source, **named):
    return models.cross_stitch(encoder, source, per_channel=False, **named)


def cgc_two_shared(encoder, source, **named):
    return models.customized_gate_control(encoder, source, shared=2, **named)


ENCODERS = {"lenet": models.lenet, "small_cnn": small_cnn, "resnet18": models.resnet18}
WAYS = {name: way for name, way in WAYS_OF_SHARING.items() if name != "hard sharing"} | {
    "cross-stitch, one number": cross_stitch_scalar,
    "CGC, two shared": cgc_two_shared,
}
way_of_sharing = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def images_for(*sizes, count=12, shape=(1, 28, 28), seed=0):
    """Random images with a classification task for each size: `first`, `second`, `third`."""
    generator = torch.Generator().manual_seed(seed)
    tasks = [classification(name, size) for name, size in zip(("first", "second", "third"), sizes, strict=False)]
    targets = {task.name: torch.randint(task.output_size, (count,), generator=generator) for task in tasks}
    return MultiTaskDataset(torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator), targets, tasks)


def batch_of(source):
    return source.batch(slice(None))


def outputs(model, source):
    model.eval()
    with torch.no_grad():
        return model(batch_of(source)[0])


def assert_same_outputs(one, two, **tolerances):
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], **tolerances)


def stir(model, seed=1):
    """Move every weight away from its start, so that nothing agrees merely because it is zero or even."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return model
