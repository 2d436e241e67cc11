"""How alike two representations are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_utils.device import device_of
from mtl_utils.models.forward import evaluation_mode


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

    Examples:
        >>> features = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 3.0]])
        >>> round(linear_cka(features, 5 * features.flip(1)), 3)  # scaled and permuted: the same
        1.0
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
