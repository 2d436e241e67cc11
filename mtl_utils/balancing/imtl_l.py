"""IMTL-L: every loss is scaled until it is 1."""

from __future__ import annotations

from torch import nn

from mtl_utils.balancing.balancer import Losses, Weights
from mtl_utils.balancing.positive_losses import check_positive_losses
from mtl_utils.balancing.scalarization import Scalarization


class IMTLL(Scalarization):
    """IMTL-L, of Liu et al., "Towards impartial multi-task learning" (ICLR 2021); TorchJD's `IMTLL`.

    The total is Σ (e^(s_i)·L_i − s_i) with learned s_i, which start at 0. Where the derivative with respect to s_i is zero,
    e^(s_i) = 1/L_i: every scaled loss is 1. It is twice the uncertainty weighting with factor ½ for all tasks, with −s in place
    of s: the same optimum, and Adam takes the same steps.

    Deviation: the paper adds to this its gradient-level part IMTL-G, which is TorchJD's `IMTLG` aggregator; this is the
    loss-level part alone. The s_i join the model's optimizer, without weight decay. A negative loss, whose scale would grow
    without bound, raises an error that names the task.
    """

    def __init__(self) -> None:
        def make(count: int) -> nn.Module:
            from torchjd import scalarization

            return scalarization.IMTLL(count)

        super().__init__(make)

    def backward(self, losses: Losses, model: nn.Module) -> Weights:
        check_positive_losses("IMTL-L", losses, zero=True)
        return super().backward(losses, model)
