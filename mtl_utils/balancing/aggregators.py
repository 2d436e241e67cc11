"""The gradient-level methods that the course speaks of, each ready to be handed to `fit(…, balancer=…)`.

All but Nash-MTL are TorchJD's; UPGrad asks its solver in other units. They act on what the tasks share, with one backward
pass per task (see `Aggregation`); with
`level="features"` they act on the encoder's output, which is cheaper and another method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtl_utils.balancing.aggregation import Aggregation, Level

if TYPE_CHECKING:
    from torchjd.aggregation import Aggregator


def pcgrad(*, level: Level = "parameters") -> Aggregation:
    """PCGrad, of Yu et al., "Gradient surgery for multi-task learning" (NeurIPS 2020); TorchJD's.

    For each task i, the running g_i is projected against the original g_j of every other task j that it conflicts with, in
    random order; the update is the *sum* of the results. Without conflict this is the plain sum.

    Example:
        >>> import torch
        >>> pcgrad().aggregate(torch.tensor([[2.0, 0.0], [-1.0, 1.0]]))[0]  # (1, 1) + (0, 1)
        tensor([1., 2.])
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import PCGrad

        return PCGrad()

    return Aggregation(make, level=level)


def mgda(*, level: Level = "parameters", epsilon: float = 1e-3, max_iters: int = 100) -> Aggregation:
    """MGDA, of Désidéri (2012) and Sener & Koltun (NeurIPS 2018): the shortest convex combination Σ α_i·g_i; TorchJD's.

    Frank-Wolfe steps, at most `max_iters`, until one is shorter than `epsilon`. Gradients are not normalized (the authors'
    code offers three ways to do so, each of which is another method). With `level="features"` it is their MGDA-UB.

    Example:
        >>> import torch
        >>> mgda().aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[1].round(decimals=2)  # the weights
        tensor([0.2000, 0.8000])
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import MGDA

        return MGDA(epsilon, max_iters)

    return Aggregation(make, level=level, any_scale=True)


def cagrad(c: float = 0.5, *, level: Level = "parameters") -> Aggregation:
    """CAGrad, of Liu et al., "Conflict-averse gradient descent" (NeurIPS 2021); TorchJD's, which solves it with CVXPY.

    The direction d with the largest min_i g_i·d among those with ‖d − g₀‖ ≤ c·‖g₀‖, g₀ the mean gradient.

    Deviation: the authors' code divides d by 1 + c² (or 1 + c) in its experiments; this does not.

    Args:
        c: zero or more; 0 is descent along the mean; from 1 on it heads for a point where no task can get better alone.
        level: see `Aggregation`.

    Example:
        >>> import torch
        >>> cagrad(c=0).aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[0].round(decimals=2)  # c = 0: the mean gradient
        tensor([1.0000, 0.5000])
    """
    if not 0 <= c < float("inf"):
        raise ValueError(f"CAGrad's c must be zero or more and finite, not {c!r}")

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import CAGrad

        return CAGrad(c)

    return Aggregation(make, level=level, any_scale=True)


def upgrad(*, level: Level = "parameters") -> Aggregation:
    """UPGrad, of Quinton & Rey, "Jacobian descent for multi-objective optimization" (2024); see `UnitUPGrad`.

    Each g_i is projected onto the cone of directions that conflict with no task, and the results are averaged. With two tasks
    it is half of PCGrad; from three on PCGrad may still conflict, and UPGrad never does.

    Example:
        >>> import torch
        >>> upgrad().aggregate(torch.tensor([[2.0, 0.0], [-1.0, 1.0]]))[0].round(decimals=2)  # half of PCGrad
        tensor([0.5000, 1.0000])
    """

    def make(_: int) -> Aggregator:
        from mtl_utils.balancing.unit_upgrad import UnitUPGrad

        return UnitUPGrad()

    return Aggregation(make, level=level, any_scale=True)


def nash_mtl(*, level: Level = "parameters", max_norm: float = 1.0) -> Aggregation:
    """Nash-MTL, of Navon et al., "Multi-task learning as a bargaining game" (ICML 2022); ours, see `NashBargaining`.

    Args:
        level: see `Aggregation`.
        max_norm: the update is shortened to this length if it is longer, as in the authors' code; 0 for never.

    Example:
        >>> import torch
        >>> nash_mtl(max_norm=0).aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[1].round(decimals=2)  # weights 1/length
        tensor([0.5000, 1.0000])
    """

    def make(_: int) -> Aggregator:
        from mtl_utils.balancing.nash import NashBargaining

        return NashBargaining(max_norm)

    return Aggregation(make, level=level)


def imtl_g(*, level: Level = "parameters") -> Aggregation:
    """IMTL-G, of Liu et al., "Towards impartial multi-task learning" (ICLR 2021); TorchJD's.

    The combination with weights that sum to 1 whose projections onto all tasks' gradients are equally long. Weights may be
    negative, and with nearly dependent gradients very large.

    Example:
        >>> import torch
        >>> imtl_g().aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[1].round(decimals=2)  # the weights
        tensor([0.3300, 0.6700])
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import IMTLG

        return IMTLG()

    return Aggregation(make, level=level, any_scale=True)


def aligned_mtl(*, level: Level = "parameters") -> Aggregation:
    """Aligned-MTL, of Senushkin et al., "Independent component alignment" (CVPR 2023); TorchJD's, smallest eigenvalue.

    The Jacobian is replaced by the nearest one whose rows are orthogonal and equally long, as long as its shortest principal
    component; the update is the mean of the new rows.

    Example:
        >>> import torch
        >>> aligned_mtl().aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[0].round(decimals=2)  # the long one counts less
        tensor([0.5000, 0.5000])
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import AlignedMTL

        return AlignedMTL()

    return Aggregation(make, level=level, any_scale=True)


def conflict_free(*, level: Level = "parameters") -> Aggregation:
    """ConFIG, of Liu, Chu & Thuerey (ICLR 2025): makes the same angle with every task's gradient; TorchJD's.

    Example:
        >>> import torch
        >>> conflict_free().aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[0].round(decimals=2)  # 45° from both
        tensor([1.5000, 1.5000])
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import ConFIG

        return ConFIG()

    return Aggregation(make, level=level)


def fairgrad(alpha: float = 1.0, *, level: Level = "parameters") -> Aggregation:
    """FairGrad, of Ban & Ji (ICML 2024): weights that solve G·w = w^(−1/α); TorchJD's, with SciPy.

    Args:
        alpha: above zero; 1 asks for what Nash-MTL asks for.
        level: see `Aggregation`.

    Example:
        >>> import torch
        >>> fairgrad().aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[0].round(decimals=2)
        tensor([1., 1.])
    """
    if not 0 < alpha < float("inf"):
        raise ValueError(f"FairGrad's alpha must be above zero and finite, not {alpha!r}")

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import FairGrad

        return FairGrad(alpha)

    return Aggregation(make, level=level)


def gradvac(beta: float = 0.5, *, level: Level = "parameters") -> Aggregation:
    """GradVac, of Wang et al., "Gradient vaccine" (ICLR 2021): raises cosines to their running means; TorchJD's.

    Args:
        beta: how fast the running means move, from 0 to 1; the paper's is 0.01, TorchJD's 0.5.
        level: see `Aggregation`.

    Example:
        >>> import torch
        >>> gradvac().aggregate(torch.tensor([[2.0, 0.0], [0.0, 1.0]]))[0]  # no cosine is below its mean so far: the sum
        tensor([2., 1.])
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"GradVac's beta must be from 0 to 1, not {beta!r}")

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import GradVac

        return GradVac(beta)

    return Aggregation(make, level=level)


def graddrop(*, level: Level = "parameters") -> Aggregation:
    """GradDrop, of Chen et al. (NeurIPS 2020): keeps, in each coordinate, one sign drawn by chance; TorchJD's.

    Example:
        >>> import torch
        >>> graddrop().aggregate(torch.tensor([[2.0, 0.0], [1.0, 3.0]]))[0]  # signs agree: nothing is dropped
        tensor([3., 3.])
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import GradDrop

        return GradDrop()

    return Aggregation(make, level=level)
