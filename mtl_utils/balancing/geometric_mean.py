"""The geometric mean of the losses, whose gradient does not care about their scales."""

from __future__ import annotations

from torch import nn

from mtl_utils.balancing.balancer import Losses, Weights
from mtl_utils.balancing.positive_losses import check_positive_losses
from mtl_utils.balancing.scalarization import Scalarization


class GeometricMean(Scalarization):
    """GLS, of Chennupati et al., "MultiNet++" (CVPR workshops 2019); TorchJD's `GeometricMean`.

    The total is (∏ L_i)^(1/T) = exp(mean of log L_i). Its derivative, the effective weight, is GLS/(T·L_i): the smaller a loss,
    the larger its weight. Multiplying one loss by c multiplies all *weighted* losses by c^(1/T), so that it only changes the
    step size, and with Adam nothing at all.

    Deviation: none. A loss of zero or less raises an error that names the task.
    """

    def __init__(self) -> None:
        def make(_: int) -> nn.Module:
            from torchjd.scalarization import GeometricMean as Mean

            return Mean()

        super().__init__(make)

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        check_positive_losses("the geometric mean", losses)
        return super().backward(losses, model)
