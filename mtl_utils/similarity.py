"""How alike two representations are, and what happens without a part of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mtl_utils.device import device_of
from mtl_utils.evaluation_mode import evaluation_mode


def linear_cka(one: Tensor, two: Tensor) -> float:
    """Linear centred kernel alignment of two representations of the same images: 0 unrelated, 1 the same up to rotation.

    Kornblith et al., "Similarity of neural network representations revisited" (ICML 2019): ‖YᵀX‖² / (‖XᵀX‖·‖YᵀY‖), with
    Frobenius norms and columns centred. It does not change under rotation, permutation of channels or scaling, and can
    compare representations of different sizes. With few images and many features it is biased upwards: use more images than
    features where you can.

    Args:
        one, two: `[N, …]`, N at least 2; everything after the first dimension counts as features.

    Raises:
        ValueError: if the numbers of images differ, a representation is the same for all images, or has no features.
    """
    for features in (one, two):
        if features.dim() < 2:
            raise ValueError(f"a representation must have the shape [images, features], not {tuple(features.shape)}")
    if len(one) != len(two) or len(one) < 2:
        raise ValueError(f"CKA compares representations of the same images, at least 2; there are {len(one)} and {len(two)}")
    x, y = (features.detach().cpu().flatten(1).double() for features in (one, two))
    x, y = x - x.mean(0), y - y.mean(0)
    if x.abs().max() == 0 or y.abs().max() == 0:
        raise ValueError("a representation is the same for all images, so that its similarity to another has no meaning")
    if max(x.shape[1], y.shape[1]) > len(x):  # the same number from the N×N Gram matrices, which are then the smaller ones
        x, y = x @ x.T, y @ y.T
        return float((x * y).sum() / (x.norm() * y.norm()))
    return float((y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm()))


@torch.no_grad()
def stage_features(encoder: nn.Sequential, images: Tensor) -> dict[str, Tensor]:
    """What each stage of an encoder makes of images `[N, C, H, W]`, in evaluation mode; every mode is as before afterwards."""
    features, found = images.to(device_of(encoder)), {}
    with evaluation_mode(encoder):
        for name, stage in encoder.named_children():
            features = stage(features)
            found[name] = features
    return found


@contextmanager
def without(module: nn.Module) -> Iterator[None]:
    """Inside, the module's output is all zeros (an *ablation*); afterwards the model is as it was.

    Zeros are a crude ablation: what follows has never met them. A drop says that the part is used, not that it could not be
    replaced by training without it.

    Raises:
        ValueError: inside, if the module gives anything but one tensor; at the end, if it was never called. A model may use a
            part without calling it as a whole (a cross-stitch row, a stage of MTAN's whose blocks it calls one by one).
    """
    called = False

    def zeros(_: nn.Module, __: Any, output: object) -> Tensor:
        nonlocal called
        called = True
        if not isinstance(output, Tensor):
            raise ValueError(f"the part gives a {type(output).__name__}, not one tensor; take a module inside it")
        return torch.zeros_like(output)

    handle = module.register_forward_hook(zeros)
    try:
        yield
    finally:
        handle.remove()
    if not called:
        raise ValueError(
            "the part was never called inside `with without(...)`, so nothing was left out: its model does not call it as a "
            "whole; take the module that it does call"
        )
