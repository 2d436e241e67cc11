"""MTAN: one shared network, and for each task soft attention masks that pick from the shared features of each stage."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtl_utils.device import device_of
from mtl_utils.models.base import HasTasks, MultiTaskModel, Part
from mtl_utils.models.encoders.stages import EncoderFactory, stage_shapes
from mtl_utils.models.hard_sharing import hard_sharing
from mtl_utils.randomness import seeded


class AttentionModule(nn.Module):
    """One task's attention at one stage.

    mask = sigmoid(BN(conv1×1(ReLU(BN(conv1×1([u, previous])))))), and the task's feature is ReLU(BN(conv3×3(mask ⊙ p))), where
    u and p are the stage's first and second shared feature maps.

    Args:
        shared: channels C of u and p, `[N, C, H, W]`.
        previous: channels of the task's feature from the stage before, 0 at the first stage.
        following: channels of the task's feature, `[N, following, H, W]`: those of the next stage.
    """

    def __init__(self, shared: int, previous: int, following: int) -> None:
        super().__init__()
        self.mask = nn.Sequential(
            nn.Conv2d(shared + previous, shared, 1),
            nn.BatchNorm2d(shared),
            nn.ReLU(),
            nn.Conv2d(shared, shared, 1),
            nn.BatchNorm2d(shared),
            nn.Sigmoid(),
        )
        self.onward = nn.Sequential(nn.Conv2d(shared, following, 3, padding=1), nn.BatchNorm2d(following), nn.ReLU())

    def forward(self, first: Tensor, second: Tensor, previous: Tensor | None) -> tuple[Tensor, Tensor]:
        """The task's feature and its mask."""
        mask = self.mask(
            first if previous is None else torch.cat([first, F.adaptive_max_pool2d(previous, first.shape[-2:])], 1)
        )
        return self.onward(mask * second), mask


class MTAN(MultiTaskModel):
    """Multi-task attention network. Make one with `mtan`.

    Args:
        stages: the shared stages, each giving a feature map.
        attention: for each task one `AttentionModule` per shared stage.
        tails: for each task what follows its last feature map, before the head (its own copy of the encoder's last stages).
        heads: for each task its head.
    """

    def __init__(
        self,
        stages: nn.Sequential,
        attention: Mapping[str, Sequence[AttentionModule]],
        tails: Mapping[str, nn.Sequential],
        heads: Mapping[str, nn.Module],
    ) -> None:
        super().__init__(tuple(heads))
        self.stages = stages
        self.attention: Any = nn.ModuleDict({name: nn.ModuleList(modules) for name, modules in attention.items()})
        self.tails = nn.ModuleDict(dict(tails))
        self.heads = nn.ModuleDict(dict(heads))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {name: self.heads[name](self.tails[name](f)) for name, (f, _) in self._attend(images).items()}

    def masks(self, images: Tensor) -> dict[str, dict[str, Tensor]]:
        """For each task and each shared stage the mask `[N, C, H, W]`, from 0 to 1."""
        names = [name for name, _ in self.stages.named_children()]
        attended = self._attend(images.to(device_of(self)))
        return {task: dict(zip(names, masks, strict=True)) for task, (_, masks) in attended.items()}

    def _attend(self, images: Tensor) -> dict[str, tuple[Tensor, list[Tensor]]]:
        features: dict[str, Tensor | None] = dict.fromkeys(self.task_names)
        masks: dict[str, list[Tensor]] = {name: [] for name in self.task_names}
        shared = images
        for number, stage in enumerate(self.stages.children()):
            first, shared = _two_maps(stage, shared)
            for name, modules in self.attention.items():
                features[name], mask = modules[number](first, shared, features[name])
                masks[name].append(mask)
        return {name: (feature, masks[name]) for name, feature in features.items() if feature is not None}

    def parts(self) -> list[Part]:
        parts = []
        for level, (stage, module) in enumerate(self.stages.named_children()):
            parts.append(Part(f"encoder.{stage}", self.task_names, module, 2 * level))
            parts += [
                Part(f"attention of {name} to {stage}", (name,), modules[level], 2 * level + 1)
                for name, modules in self.attention.items()
            ]
        last = 2 * len(self.stages)
        for name, tail in self.tails.items():
            parts += [Part(f"{stage} of {name}", (name,), module, last) for stage, module in tail.named_children()]
        return parts + [Part(f"head of {name}", (name,), head, last + 1) for name, head in self.heads.items()]


def mtan(encoder: EncoderFactory, data: HasTasks, *, seed: int = 0) -> MTAN:
    """Liu, Johns & Davison, "End-to-end multi-task learning with attention" (CVPR 2019), over any staged encoder.

    The stages that give feature maps are shared. Those after them that give vectors (LeNet's dense stage, a pooling) follow on
    each task's *attended* features, so every task has a copy of its own, as well as a head.

    Deviations, to fit any encoder: u and p are the maps before and after a stage's last block, where that block has weights and
    keeps the shape (ResNet); otherwise (LeNet, small CNN) both are the stage's output. The pooling that brings a task's
    feature to the next stage is adaptive, to that stage's height and width.

    Args:
        encoder: makes the encoder; its first stage must give a feature map.
        data: a data set or a split; gives the tasks and the images' shape.
        seed: chooses the initial weights; the encoder's are those of `hard_sharing`.

    Raises:
        ValueError: if the encoder's first stage has no spatial extent, for there is nothing to mask.

    Examples:
        >>> import mtl_utils
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(train=60, val=20, test=20)
        >>> model = mtan(models.lenet, pairs)
        >>> images, _ = next(iter(pairs.train.batches(2)))
        >>> {task: tuple(output.shape) for task, output in model(images).items()}
        {'left': (2, 10), 'right': (2, 10)}
    """
    whole = hard_sharing(encoder, data, seed=seed)
    shapes = stage_shapes(whole.encoder, data.image_shape)
    spatial = next((number for number, shape in enumerate(shapes) if len(shape) != 3), len(shapes))
    names = [name for name, _ in whole.encoder.named_children()]
    if spatial == 0:
        raise ValueError(
            f"MTAN masks feature maps [C, H, W], but the encoder's first stage '{names[0]}' gives features of shape "
            f"{shapes[0]}; use an encoder whose first stage is convolutional"
        )
    if beyond := [name for name, shape in zip(names[spatial:], shapes[spatial:], strict=True) if len(shape) == 3]:
        raise ValueError(
            f"stage '{beyond[0]}' gives a feature map after stage '{names[spatial]}' gave a vector; MTAN cannot mask that"
        )
    channels = [shape[0] for shape in shapes[:spatial]]
    with seeded(seed):
        attention = {
            task.name: [
                AttentionModule(width, width if number else 0, channels[min(number + 1, spatial - 1)])
                for number, width in enumerate(channels)
            ]
            for task in data.tasks
        }
    tails = {task.name: copy.deepcopy(whole.encoder[spatial:]) for task in data.tasks}
    return MTAN(whole.encoder[:spatial], attention, tails, dict(whole.heads.items()))


def _two_maps(stage: nn.Module, features: Tensor) -> tuple[Tensor, Tensor]:
    """A stage's first and second feature map (see `mtan`)."""
    *before, last = stage.children() if isinstance(stage, nn.Sequential) else [stage]
    if before and any(True for _ in last.parameters()):
        for module in before:
            features = module(features)
        second = last(features)
        return (features if features.shape == second.shape else second), second
    output: Tensor = stage(features)
    return output, output
