"""What gradient-level methods make of two gradients, in closed form, for many pairs at once.

Every method here looks at one thing only: the Gramian of the two gradients, `[[g₁·g₁, g₁·g₂], [g₂·g₁, g₂·g₂]]`, and returns a
weight for each. No solver is needed, so that thousands of pairs are done in one call: whole trajectories, or a slider's every
position. For networks, and for more than two tasks, use `pcgrad()`, `mgda()`, …, which give the same.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

TwoTaskMethod = Callable[[Tensor], Tensor]


def gramian(first: Tensor, second: Tensor) -> Tensor:
    """The Gramian `[..., 2, 2]` of pairs of gradients `[..., P]`."""
    pair = torch.stack([first, second], -2)
    return pair @ pair.transpose(-1, -2)


def weighted_sum(share: float = 0.5) -> TwoTaskMethod:
    """2·share for the first task, 2·(1 − share) for the second: the plain sum at ½."""
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the first task must be from 0 to 1, not {share!r}")
    return lambda g: torch.tensor([2 * share, 2 - 2 * share], dtype=g.dtype).expand(g.shape[:-1])


def two_task_pcgrad(g: Tensor) -> Tensor:
    """g₁ minus its part along g₂, plus g₂ minus its part along g₁, if they conflict; else their sum."""
    first, dot, second = _entries(g)
    conflict = dot.clamp(max=0)
    return torch.stack([1 - _over(conflict, first), 1 - _over(conflict, second)], -1)


def two_task_upgrad(g: Tensor) -> Tensor:
    """Half of PCGrad."""
    return two_task_pcgrad(g) / 2


def two_task_mgda(g: Tensor) -> Tensor:
    """The shortest vector between the two arrowheads: α₁ = clip((g₂ − g₁)·g₂ / ‖g₁ − g₂‖², 0, 1); ½ for equal gradients."""
    first, dot, second = _entries(g)
    distance = first - 2 * dot + second
    equal = distance <= 1e-12 * (first + second)
    alpha = torch.where(equal, 0.5, ((second - dot) / torch.where(equal, 1.0, distance)).clamp(0, 1))
    return torch.stack([alpha, 1 - alpha], -1)


def two_task_cagrad(c: float = 0.5) -> TwoTaskMethod:
    """½ for both, and c·‖g₀‖ along g_w, which minimizes g_w·g₀ + c·‖g₀‖·‖g_w‖ among g_w = w·g₁ + (1 − w)·g₂, 0 ≤ w ≤ 1."""
    if not 0 <= c < float("inf"):
        raise ValueError(f"CAGrad's c must be zero or more and finite, not {c!r}")

    def weights(g: Tensor) -> Tensor:
        first, dot, second = _entries(g)
        radius = c * (first + 2 * dot + second).clamp(min=0).sqrt() / 2
        # ‖g_w‖² = a·(w + b)² + d, the squared distance of the line from 0; the linear part has the slope s.
        a = (first - 2 * dot + second).clamp(min=1e-300)
        b = (dot - second) / a
        d = (second - (second - dot).square() / a).clamp(min=0)
        s = (first - second) / 2
        ratio = -_over(s, radius)
        inside = a - ratio.square()
        middle = ratio * (d / a).sqrt() / inside.clamp(min=1e-300).sqrt() - b
        w = torch.where(inside > 0, middle, torch.where(s > 0, 0.0, 1.0)).clamp(0, 1)
        length = (a * (w + b).square() + d).sqrt()
        return 0.5 + _over(radius, length)[..., None] * torch.stack([w, 1 - w], -1)

    return weights


def two_task_nash(max_norm: float = 1.0) -> TwoTaskMethod:
    """Along the bisector of the angle, √2 long, shortened to `max_norm`: α_i·(G·α)_i = 1 gives α_i = 1/(‖g_i‖·√(1 + cos))."""

    def weights(g: Tensor) -> Tensor:
        first, dot, second = _entries(g)
        lengths = torch.stack([first, second], -1).sqrt()
        cosine = _over(dot, lengths.prod(-1)).clamp(min=-1 + 1e-9)
        alone = torch.where(lengths.prod(-1) > 0, 2**0.5, 1.0)  # a task without gradient does not bargain
        shorter = (max_norm / alone).clamp(max=1) if max_norm else torch.ones_like(alone)
        return _over(shorter[..., None], lengths) * torch.where(alone > 1, 1 / (1 + cosine).sqrt(), 1.0)[..., None]

    return weights


def two_task_imtl_g(g: Tensor) -> Tensor:
    """Along the bisector of the angle, with weights that sum to 1: α₁ = ‖g₂‖/(‖g₁‖ + ‖g₂‖)."""
    first, _, second = _entries(g)
    lengths = torch.stack([second, first], -1).sqrt()
    return _over(lengths, lengths.sum(-1, keepdim=True))


def two_task_aligned(g: Tensor) -> Tensor:
    """Aligned-MTL: half of the sum of the rows of √λ·G^(−½), λ the smaller eigenvalue of G (the larger, if that is zero)."""
    values, vectors = torch.linalg.eigh(g)
    values = values.clamp(min=0)
    there = values > 2 * torch.finfo(g.dtype).eps * values[..., -1:]
    smallest = torch.where(there[..., 0], values[..., 0], values[..., 1])
    scaled = torch.where(there, (smallest[..., None] / torch.where(there, values, 1.0)).sqrt(), 0.0)
    weights: Tensor = (vectors @ (scaled[..., None] * vectors.transpose(-1, -2))).sum(-1) / 2
    return weights


def _entries(g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """g₁·g₁, g₁·g₂ and g₂·g₂."""
    if g.shape[-2:] != (2, 2):
        raise ValueError(f"two gradients have a Gramian of 2×2 numbers, not {tuple(g.shape[-2:])}")
    return g[..., 0, 0], g[..., 0, 1], g[..., 1, 1]


def _over(a: Tensor, b: Tensor) -> Tensor:
    """a/b, and 0 where b is 0."""
    zero = b == 0
    return torch.where(zero, 0.0, a / torch.where(zero, 1.0, b))
