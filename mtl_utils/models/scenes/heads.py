"""Heads on a map of features: an answer per cell, per pixel or per image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtl_utils.tasks import Task


class MapHead(nn.Module):
    """A 3×3 convolution, ReLU, and a 1×1 convolution to the task's outputs, one map at the stride of the features.

    A task whose answers lie closer together than the features has its map enlarged, bilinearly, by `enlarge`.

    Args:
        task: decides the outputs. Its `initial_output` is what the head says before it has learned.
        inputs: channels of the features.
        hidden: channels after the first convolution.
        stride: of the features, in pixels.
    """

    def __init__(self, task: Task, inputs: int, hidden: int, stride: int) -> None:
        super().__init__()
        self.finer = max(stride // (task.stride or stride), 1)
        if task.stride is None or task.stride * self.finer != stride:
            raise ValueError(f"task '{task.name}' has stride {task.stride}; features of stride {stride} cannot give its map")
        self.outputs = task.output_size
        last = nn.Conv2d(hidden, task.output_size, 1)
        if task.initial_output:
            with torch.no_grad():
                last.bias.copy_(torch.tensor(task.initial_output))  # type: ignore[union-attr]
        self.layers = nn.Sequential(nn.Conv2d(inputs, hidden, 3, padding=1), nn.ReLU(), last)

    def forward(self, features: Tensor) -> Tensor:
        """Features `[N, C, gh, gw]` to a map of the same height and width."""
        answers: Tensor = self.layers(features)
        return answers

    def enlarge(self, answers: Tensor) -> Tensor:
        """The map as the task wants it: `[N, output_size, gh·finer, gw·finer]`."""
        if self.finer == 1:
            return answers
        return F.interpolate(answers, scale_factor=self.finer, mode="bilinear", align_corners=False)


class ImageHead(nn.Module):
    """One answer per image, such as how many objects there are: a 3×3 convolution, ReLU, the mean over the map, a linear layer.

    Args:
        task: decides the outputs.
        inputs: channels of the features.
        hidden: channels after the convolution.
    """

    def __init__(self, task: Task, inputs: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(hidden, task.output_size),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        answers: Tensor = self.layers(features)
        return answers


def scene_head(task: Task, inputs: int, hidden: int, stride: int) -> MapHead | ImageHead:
    """The head for a task: a map, or one answer per image."""
    return ImageHead(task, inputs, hidden) if task.stride is None else MapHead(task, inputs, hidden, stride)
