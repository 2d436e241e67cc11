"""What a scene looks like before anything moves: cut-out objects, their colors, and textured backgrounds."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# A source pixel this bright (0 to 1) or brighter belongs wholly to the object; strokes of digits are soft at the edge.
_OPAQUE = {"MNIST": 0.5, "FashionMNIST": 0.08}
# How bright the darkest part of an object is, relative to its color.
_DARKEST = {"MNIST": 0.6, "FashionMNIST": 0.25}


def cut_out(images: Tensor, source: str) -> tuple[Tensor, Tensor]:
    """Opacity and brightness (both 0 to 1, `[..., 28, 28]`) of `uint8` source images.

    Clothing has dark parts that belong to it, so that nearly everything but pure black is opaque there.
    """
    intensity = images.float() / 255
    opacity = (intensity / _OPAQUE[source]).clamp(max=1)
    return opacity, _DARKEST[source] + (1 - _DARKEST[source]) * intensity


def colors(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """HSV (each 0 to 1, any one shape) to RGB, as a new last dimension of 3."""
    wheel = (torch.tensor([5.0, 3.0, 1.0]) + 6 * hue.unsqueeze(-1)) % 6
    chroma = torch.minimum(wheel, 4 - wheel).clamp(0, 1)
    return value.unsqueeze(-1) * (1 - saturation.unsqueeze(-1) * chroma)


def object_colors(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Bright colors `[*shape, 3]`, 0 to 1; independent of the class, so that color tells nothing about it."""
    hue, saturation, value = (torch.rand(shape, generator=generator) for _ in range(3))
    return colors(hue, 0.35 + 0.6 * saturation, 0.85 + 0.15 * value)


def backgrounds(scenes: int, size: int, generator: torch.Generator) -> Tensor:
    """Marbled textures in two muted colors, `[scenes, 3, size, size]`, 0 to 1.

    Stripes whose phase is shifted by smooth noise of several scales ("marble", Perlin, "An image synthesizer", SIGGRAPH 1985).
    """
    noise = torch.zeros(scenes, 1, size, size)
    for cells, strength in ((3, 1.0), (6, 0.5), (12, 0.25), (24, 0.125)):
        coarse = torch.rand(scenes, 1, cells, cells, generator=generator)
        noise += strength * F.interpolate(coarse, (size, size), mode="bicubic", align_corners=True)
    ramp = torch.linspace(0, 1, size)
    angle, stripes, start = (torch.rand(scenes, 1, 1, 1, generator=generator) for _ in range(3))
    across = angle.mul(math.pi).cos() * ramp + angle.mul(math.pi).sin() * ramp.view(-1, 1)
    mix = 0.5 + 0.5 * torch.sin(2 * math.pi * ((0.5 + 2 * stripes) * across + 1.5 * noise + start))
    hue, saturation, value = (torch.rand(scenes, 2, generator=generator) for _ in range(3))
    hue[:, 1] = hue[:, 0] + 0.15 * hue[:, 1]  # two neighbours on the color wheel
    dark, light = colors(hue % 1, 0.15 + 0.35 * saturation, 0.2 + 0.35 * value).unbind(1)
    grain = 0.02 * torch.randn(scenes, 1, size, size, generator=generator)
    return (torch.lerp(dark[:, :, None, None], light[:, :, None, None], mix) + grain).clamp(0, 1)
