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
from mtl_utils.models.forward import evaluation_mode
from mtl_utils.models.hard_sharing import hard_sharing
from mtl_utils.randomness import seeded


class AttentionModule(nn.Module):
    """One task's attention at one stage.

    mask = sigmoid(BN(conv1×1(ReLU(BN(conv1×1([u, previous])))))), where u is the stage's first shared feature map.

    Args:
        shared: channels C of u, `[N, C, H, W]`.
        previous: channels of the task's feature from the stage before, 0 at the first stage.

    Example:
        >>> attention = AttentionModule(shared=6, previous=4)
        >>> mask = attention(torch.zeros(2, 6, 12, 12), torch.zeros(2, 4, 24, 24))
        >>> tuple(mask.shape), bool((mask >= 0).all() and (mask <= 1).all())
        ((2, 6, 12, 12), True)
    """

    def __init__(self, shared: int, previous: int) -> None:
        super().__init__()
        self.mask = nn.Sequential(
            nn.Conv2d(shared + previous, shared, 1),
            nn.BatchNorm2d(shared),
            nn.ReLU(),
            nn.Conv2d(shared, shared, 1),
            nn.BatchNorm2d(shared),
            nn.Sigmoid(),
        )

    def forward(self, first: Tensor, previous: Tensor | None) -> Tensor:
        """The mask `[N, C, H, W]`, from 0 to 1."""
        seen = first if previous is None else torch.cat([first, F.adaptive_max_pool2d(previous, first.shape[-2:])], 1)
        mask: Tensor = self.mask(seen)
        return mask


class MTAN(MultiTaskModel):
    """Multi-task attention network. Make one with `mtan`.

    A task's feature after a stage is f(mask ⊙ p), where p is the stage's second shared feature map and f = ReLU(BN(conv3×3)) is
    *shared* by all tasks: a task of its own has only its masks (until the tails and heads).

    Args:
        stages: the shared stages, each giving a feature map.
        attention: for each task one `AttentionModule` per shared stage.
        onward: for each shared stage f, which passes every task's attended features on.
        tails: for each task what follows its last feature map, before the head (its own copy of the encoder's last stages).
        heads: for each task its head.
    """

    def __init__(
        self,
        stages: nn.Sequential,
        attention: Mapping[str, Sequence[AttentionModule]],
        onward: Sequence[nn.Module],
        tails: Mapping[str, nn.Sequential],
        heads: Mapping[str, nn.Module],
    ) -> None:
        super().__init__(tuple(heads))
        self.stages = stages
        self.attention: Any = nn.ModuleDict({name: nn.ModuleList(modules) for name, modules in attention.items()})
        self.onward = nn.ModuleList(onward)
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
        for number, (stage, onward) in enumerate(zip(self.stages.children(), self.onward, strict=True)):
            first, shared = two_maps(stage, shared)
            for name, modules in self.attention.items():
                mask = modules[number](first, features[name])
                features[name] = onward(mask * shared)
                masks[name].append(mask)
        return {name: (feature, masks[name]) for name, feature in features.items() if feature is not None}

    def parts(self) -> list[Part]:
        parts = []
        for number, ((stage, module), onward) in enumerate(zip(self.stages.named_children(), self.onward, strict=True)):
            parts.append(Part(f"encoder.{stage}", self.task_names, module, 3 * number))
            parts += [
                Part(f"attention of {name} to {stage}", (name,), modules[number], 3 * number + 1)
                for name, modules in self.attention.items()
            ]
            if any(True for _ in onward.parameters()):
                parts.append(Part(f"onward from {stage}", self.task_names, onward, 3 * number + 2))
        last = 3 * len(self.stages)
        for name, tail in self.tails.items():
            parts += [Part(f"{stage} of {name}", (name,), module, last) for stage, module in tail.named_children()]
        return parts + [Part(f"head of {name}", (name,), head, last + 1) for name, head in self.heads.items()]


def mtan(encoder: EncoderFactory, data: HasTasks, *, seed: int = 0) -> MTAN:
    """Liu, Johns & Davison, "End-to-end multi-task learning with attention" (CVPR 2019), over any staged encoder.

    The stages that give feature maps are shared, and so is the 3×3 convolution f that passes attended features on from each
    (`encoder_block_att` in the authors' code). Its batch norm normalizes each task's features for themselves, and its running
    statistics are means over the tasks. In a ResNet nothing follows the last mask, as in the authors' `resnet_mtan.py`; other
    encoders have f after the last stage, too, as in the authors' SegNet. The stages after those that give vectors (LeNet's
    dense stage, a pooling) follow on each task's *attended* features, so every task has a copy of its own, as well as a head.

    Deviations, to fit any encoder: u and p are the maps before and after a stage's last block, where that block has weights and
    keeps the shape (ResNet); otherwise (LeNet, small CNN) both are the stage's output. The pooling that brings a task's
    feature to the next stage is adaptive, to that stage's height and width. The masks' inner convolution keeps the number of
    channels, as in the authors' SegNet; their ResNet narrows it four times.

    Args:
        encoder: makes the encoder; its first stage must give a feature map.
        data: a data set or a split; gives the tasks and the images' shape.
        seed: chooses the initial weights; the encoder's are those of `hard_sharing`.

    Raises:
        ValueError: if the encoder's first stage has no spatial extent, for there is nothing to mask.

    Examples:
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
    has_last = not _gives_two_maps(whole.encoder[:spatial], data.image_shape)
    with seeded(seed):
        onward = [_onward(width, channels[min(number + 1, spatial - 1)]) for number, width in enumerate(channels)]
        if not has_last:
            onward[-1] = nn.Identity()
        attention = {
            task.name: [AttentionModule(width, width if number else 0) for number, width in enumerate(channels)]
            for task in data.tasks
        }
    tails = {task.name: copy.deepcopy(whole.encoder[spatial:]) for task in data.tasks}
    return MTAN(whole.encoder[:spatial], attention, onward, tails, dict(whole.heads.items()))


def _onward(channels: int, following: int) -> nn.Module:
    """f, from a stage's channels to those of the next stage."""
    return nn.Sequential(nn.Conv2d(channels, following, 3, padding=1), nn.BatchNorm2d(following), nn.ReLU())


def _gives_two_maps(stages: nn.Sequential, image_shape: tuple[int, int, int]) -> bool:
    """Whether the last of the stages gives two feature maps, as a ResNet's layer does."""
    *before, last = stages.children()
    with evaluation_mode(stages), torch.no_grad():
        first, second = two_maps(last, nn.Sequential(*before)(torch.zeros(1, *image_shape)))
    return first is not second


def two_maps(stage: nn.Module, features: Tensor) -> tuple[Tensor, Tensor]:
    """A stage's first and second feature map (see `mtan`)."""
    *before, last = stage.children() if isinstance(stage, nn.Sequential) else [stage]
    if before and any(True for _ in last.parameters()):
        for module in before:
            features = module(features)
        second = last(features)
        return (features if features.shape == second.shape else second), second
    output: Tensor = stage(features)
    return output, output
