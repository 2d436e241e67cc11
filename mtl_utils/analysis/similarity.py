"""How alike two representations are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_utils.device import device_of
from mtl_utils.models.forward import evaluation_mode


def linear_cka(one: Tensor, two: Tensor, *, debiased: bool = True) -> float:
    """Linear centred kernel alignment of two representations of the same images: 1 the same up to rotation, about 0 unrelated.

    It does not change under rotation, permutation of channels, scaling or shift, and can compare representations of different
    sizes.

    Debiased (Nguyen, Raghu & Kornblith, "Do wide and deep networks learn the same things?", ICLR 2021): every ‖XᵀY‖² is
    replaced by Song et al.'s unbiased estimate of it, which leaves out what each image has in common with itself. Independent
    representations then have 0 on average, whatever their size; a single value may lie a little below 0, and never above 1.

    The plain form (`debiased=False`) is ‖YᵀX‖² / (‖XᵀX‖·‖YᵀY‖), with Frobenius norms and centred columns (Kornblith et al.,
    "Similarity of neural network representations revisited", ICML 2019). It is biased upwards: independent Gaussian features
    of 500 images have 0.09 with 50 dimensions and 0.74 with 1,440.

    Args:
        one, two: `[N, …]`; everything after the first dimension counts as features. N is at least 4, or 2 for the plain form.
        debiased: whether to take out the bias.

    Raises:
        ValueError: if the numbers of images differ, or a representation is the same for all images, has no features, or sets
            all images equally far apart (debiased).

    Examples:
        >>> features = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 3.0], [4.0, 1.0], [2.0, 5.0]])
        >>> round(linear_cka(features, 5 * features.flip(1)), 3)  # scaled and permuted: the same
        1.0
    """
    for features in (one, two):
        if features.dim() < 2:
            raise ValueError(f"a representation must have the shape [images, features], not {tuple(features.shape)}")
    least = 4 if debiased else 2
    if len(one) != len(two) or len(one) < least:
        raise ValueError(
            f"CKA compares representations of the same images, at least {least}; there are {len(one)} and {len(two)}"
        )
    x, y = (features.detach().cpu().flatten(1).double() for features in (one, two))
    x, y = x - x.mean(0), y - y.mean(0)
    if not x.any() or not y.any():
        raise ValueError("a representation is the same for all images, so that its similarity to another has no meaning")
    # Of one scale, so that no square is too large or too small for its type.
    x, y = x / x.abs().max(), y / y.abs().max()
    alike, of_x, of_y = (_alignment(a, b, debiased) for a, b in ((x, y), (x, x), (y, y)))
    # Rounding leaves about 1e-16 of the whole where there is nothing.
    if min(of_x / _alignment(x, x, False), of_y / _alignment(y, y, False)) < 1e-12:
        raise ValueError("a representation sets all images equally far apart, so that nothing is left of it without its bias")
    return float(alike / (of_x * of_y) ** 0.5)


def _alignment(x: Tensor, y: Tensor, debiased: bool) -> float:
    """‖XᵀY‖² of centred features `[N, F]` and `[N, G]`; debiased, N·(N − 3) times Song et al.'s HSIC₁."""
    count = len(x)
    # The same number from the N×N Gram matrices, where those are the smaller ones.
    by_images = max(x.shape[1], y.shape[1]) > count
    plain = ((x @ x.T) * (y @ y.T)).sum() if by_images else (x.T @ y).square().sum()
    if not debiased:
        return float(plain)
    of_x, of_y = x.square().sum(1), y.square().sum(1)
    both = (of_x * of_y).sum() * count / (count - 2)
    return float(plain - both + of_x.sum() * of_y.sum() / ((count - 1) * (count - 2)))


@torch.no_grad()
def stage_features(encoder: nn.Sequential, images: Tensor) -> dict[str, Tensor]:
    """What each stage of an encoder makes of images `[N, C, H, W]`, in evaluation mode; every mode is as before afterwards.

    Example:
        >>> from mtl_utils import models
        >>> {name: tuple(made.shape) for name, made in stage_features(models.lenet(), torch.zeros(2, 1, 28, 28)).items()}
        {'conv1': (2, 10, 12, 12), 'conv2': (2, 20, 4, 4), 'dense': (2, 50)}
    """
    features, found = images.to(device_of(encoder)), {}
    with evaluation_mode(encoder):
        for name, stage in encoder.named_children():
            features = stage(features)
            found[name] = features
    return found
