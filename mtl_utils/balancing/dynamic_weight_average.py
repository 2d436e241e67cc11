"""Dynamic weight average: who learns slowly gets more weight."""

from __future__ import annotations

from torch import nn

from mtl_utils.balancing.scalarization import Scalarization


class DynamicWeightAverage(Scalarization):
    """DWA, of Liu, Johns & Davison, "End-to-end multi-task learning with attention" (CVPR 2019); TorchJD's `DWA`.

    In epoch t the weights are w_i = T·softmax(r_i/τ) with r_i = L_i(t−1)/L_i(t−2), the losses averaged over whole epochs. A
    loss that fell little has a ratio near 1 (or above) and gets more weight. In the first two epochs every weight is 1. The
    size of a loss cancels in its ratio, so DWA does nothing about different scales; and with τ = 2 it hardly leaves w = 1.

    Deviation: none. A task without labels in a batch counts there with its last known loss. A loss that is zero over an
    epoch has no ratio, and raises an error.

    Args:
        temperature: τ, above zero; the paper's is 2. A higher one makes the weights more equal.
    """

    def __init__(self, temperature: float = 2.0) -> None:
        if not 0 < temperature < float("inf"):
            raise ValueError(f"DWA's temperature must be above zero and finite, not {temperature!r}")

        def make(_: int) -> nn.Module:
            from torchjd.scalarization import DWA  # TorchJD costs a second to import

            return DWA(temperature)

        super().__init__(make)
