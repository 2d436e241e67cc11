"""How the objects of a scene move: straight on in three dimensions, and back from the walls."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

# Depth is measured in units of the nearest one. An object's size in pixels is NEAR_SIZE · (frame size) / depth.
NEAREST, FARTHEST, BACKGROUND_DEPTH = 1.0, 2.4, 3.0
NEAR_SIZE = 0.5
SPEED = (1 / 64, 4 / 64)  # slowest and fastest, in frame widths per frame
_DEPTH_SPEED = 0.08  # share of the depth range per frame, at most


class Motion(NamedTuple):
    """Where every object is in every frame.

    Attributes:
        centres: `float32` `[S, T, K, 2]`, x and y in pixels, of the whole object (hidden parts count).
        depths: `float32` `[S, T, K]`, from 1 (nearest) to 2.4.
        sizes: `float32` `[S, T, K]`, side in pixels of the square that holds the 28×28 source image.
    """

    centres: Tensor
    depths: Tensor
    sizes: Tensor


def bounce(position: Tensor) -> Tensor:
    """Fold the real line into [0, 1], as a ball between two walls runs: 1.2 is 0.8, 2.3 is 0.3, −0.1 is 0.1."""
    return 1 - (position.remainder(2) - 1).abs()


def move(
    scenes: int,
    frames: int,
    objects: int,
    size: int,
    generator: torch.Generator,
    speed: tuple[float, float] = SPEED,
) -> Motion:
    """Draw positions and velocities, and follow them.

    Objects move at a constant speed, by default 1/64 to 4/64 of the frame's width per frame, and slowly in depth. The walls of
    an object stand where its whole source square would leave the frame: they give way as it recedes and shrinks.

    Args:
        scenes, frames, objects: numbers S, T and K.
        size: height and width of a frame in pixels.
        generator: where the numbers come from.
        speed: slowest and fastest, in widths of the frame per frame.
    """
    time = torch.arange(frames).view(1, -1, 1)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(scenes, 1, objects, generator=generator)

    nearness = bounce(uniform(0, 1) + uniform(-_DEPTH_SPEED, _DEPTH_SPEED) * time)
    depths = NEAREST + (FARTHEST - NEAREST) * nearness
    sizes = NEAR_SIZE * size / depths
    room = size - sizes
    pace, angle = size * uniform(*speed), uniform(0, 2 * math.pi)
    axes = []
    for direction in (angle.cos(), angle.sin()):
        # In units of the room that the object has in the first frame, so that walls are always at 0 and 1.
        place = bounce(uniform(0, 1) + direction * pace / room[:, :1] * time)
        axes.append(sizes / 2 + room * place)
    return Motion(torch.stack(axes, dim=-1), depths, sizes)
