"""Experts, and the gate that says from what it sees how much of each to take."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtl_utils._checks import check_positive
from mtl_utils.models.base import HasTasks, check_data
from mtl_utils.models.encoders.stages import EncoderFactory, build_encoder
from mtl_utils.models.heads import build_encoder_and_heads
from mtl_utils.randomness import seeded

_FIELDS = 7


def build_experts(
    encoder: EncoderFactory, data: HasTasks, count: int, *, seed: int
) -> tuple[list[nn.Sequential], dict[str, nn.Module]]:
    """Encoders that differ in their initial weights, and a head for each task.

    The first expert and the heads are those of `hard_sharing` with this seed. Experts that started alike would stay alike.
    """
    check_positive("the number of experts", count)
    check_data(data)
    with seeded(seed):
        first, heads = build_encoder_and_heads(encoder, data.image_shape, data.tasks)
        return [first, *(build_encoder(encoder, data.image_shape) for _ in range(count - 1))], heads


class Gate(nn.Module):
    """softmax(W·x + b) over experts, where x is the input averaged over a coarse grid. At the start all experts count alike.

    Args:
        shape: of the input without the batch dimension: `(C, H, W)`, averaged to at most 7×7 fields, or a vector `(F,)`.
        experts: how many to choose among.
        dropout: while training, the probability with which an expert is left out of the choice (the rest then share its
            weight), so that no expert can be forgotten: Zhao et al., "Recommending what video to watch next" (RecSys 2019).

    Raises:
        ValueError: if there is no expert, or `dropout` is not a probability below 1.

    Example:
        >>> gate = Gate((1, 28, 28), experts=4)
        >>> gate(torch.zeros(2, 1, 28, 28)).tolist()  # even at the start
        [[0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]]
    """

    def __init__(self, shape: tuple[int, ...], experts: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        if experts < 1:
            raise ValueError(f"a gate needs at least one expert to choose, not {experts!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"the probability of leaving an expert out must be from 0 to below 1, not {dropout!r}")
        self.grid = (min(shape[1], _FIELDS), min(shape[2], _FIELDS)) if len(shape) == 3 else None
        self.dropout = dropout
        # Not initialized by chance, which would draw from the global generator for nothing.
        self.linear = nn.utils.skip_init(nn.Linear, shape[0] * math.prod(self.grid or ()), experts)  # type: ignore[no-untyped-call]
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, seen: Tensor) -> Tensor:
        """Weights `[N, experts]`, each row adding up to 1."""
        if self.grid is not None:
            seen = F.adaptive_avg_pool2d(seen, self.grid)
        scores: Tensor = self.linear(seen.flatten(1))
        if self.training and self.dropout > 0:
            out = torch.rand_like(scores) < self.dropout
            out &= ~out.all(1, keepdim=True)  # where all would be left out, none is
            scores = scores.masked_fill(out, -math.inf)
        return scores.softmax(1)


def mix(weights: Tensor, features: list[Tensor]) -> Tensor:
    """Σ_e weights[:, e]·features[e], image by image.

    Args:
        weights: `[N, E]`.
        features: E tensors `[N, …]`.
    """
    if len(features) == 1:
        return features[0]  # the one weight is 1
    place = (-1,) + (1,) * (features[0].dim() - 1)
    mixture = weights[:, 0].view(place) * features[0]
    for number in range(1, len(features)):
        mixture = mixture + weights[:, number].view(place) * features[number]
    return mixture
