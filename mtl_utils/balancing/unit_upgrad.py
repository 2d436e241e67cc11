"""UPGrad, with gradients of very different lengths."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torchjd.aggregation import GramianWeightedAggregator, Weighting
from torchjd.linalg import PSDMatrix, QuadprogProjector

_REGULARIZATION = 1e-6


class UnitUPGrad(GramianWeightedAggregator):
    """Quinton & Rey, "Jacobian descent for multi-objective optimization" (2024), solved for gradients of length 1.

    Each g_i is projected onto the cone of the directions that conflict with no task; the update is the mean of the results. The
    cone does not change when a gradient gets longer or shorter, so TorchJD's projector is asked in unit vectors.

    Deviation: TorchJD's own `UPGrad` works on the Gramian of the gradients as they are, and adds 1e-4 of its trace to the
    diagonal. Where one gradient is a hundred times as long as another, that is more than the shorter one's square, and the
    update harms its task. In unit vectors a far smaller addition is enough. A gradient of zero bounds no cone and adds nothing.
    """

    def __init__(self) -> None:
        super().__init__(_UnitUPGradWeighting())

    def __repr__(self) -> str:
        return "UPGrad"

    __str__ = __repr__


class _UnitUPGradWeighting(Weighting[Tensor]):
    def __init__(self) -> None:
        super().__init__()
        self._project = QuadprogProjector(norm_eps=0.0, reg_eps=_REGULARIZATION)

    def forward(self, gramian: Tensor, /) -> Tensor:
        lengths = gramian.diagonal().double().clamp(min=0).sqrt().cpu()
        there = lengths > 0
        units = lengths[there]
        cosines = cast(PSDMatrix, gramian.double().cpu()[there][:, there] / (units[:, None] * units))
        # Row by row the weights of the projection of g_i / T, in unit vectors.
        projected = self._project(torch.diag(units / len(lengths)), cosines)
        weights = torch.zeros_like(lengths)
        weights[there] = projected.sum(0) / units
        return weights.to(gramian)
