"""Random loss weighting: new weights by chance in every step."""

from __future__ import annotations

from torch import nn

from mtl_utils.balancing.scalarization import Scalarization


class RandomWeighting(Scalarization):
    """RLW, of Lin, Ye, Zhang & Tsang, "Reasonable effectiveness of random weighting" (TMLR 2022); TorchJD's `Random`.

    In every step w = softmax(z) with z_i drawn from N(0, 1), so each weight is 1/T on average. Whoever proposes a cleverer
    method has to beat this one.

    Deviation: none; the weights sum to 1, as in the paper, where most other methods' sum to T. They are drawn from the run's
    own random state, so a run's seed decides them.
    """

    def __init__(self) -> None:
        def make(_: int) -> nn.Module:
            from torchjd.scalarization import Random

            return Random()

        super().__init__(make)
