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

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = pcgrad()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 1.3, 'second': 2.6}
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import PCGrad

        return PCGrad()

    return Aggregation(make, level=level)


def mgda(*, level: Level = "parameters", epsilon: float = 1e-3, max_iters: int = 100) -> Aggregation:
    """MGDA, of Désidéri (2012) and Sener & Koltun (NeurIPS 2018): the shortest convex combination Σ α_i·g_i; TorchJD's.

    Frank-Wolfe steps, at most `max_iters`, until one is shorter than `epsilon`. Gradients are not normalized (the authors'
    code offers three ways to do so, each of which is another method). With `level="features"` it is their MGDA-UB.

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = mgda()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 0.3, 'second': 0.7}
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

    Examples:
        >>> from mtl_utils import fit, problems
        >>> problem = problems.ConcaveFront((0.5, 0.0))
        >>> balancer = upgrad()
        >>> history = fit(problem, problem.batches(), tasks=problem.tasks(), steps=2, balancer=balancer, progress=False)
        >>> {task: round(weight, 1) for task, weight in history.steps[0].weights.items()}
        {'first': 0.7, 'second': 1.3}
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
    """

    def make(_: int) -> Aggregator:
        from mtl_utils.balancing.nash import NashBargaining

        return NashBargaining(max_norm)

    return Aggregation(make, level=level)


def imtl_g(*, level: Level = "parameters") -> Aggregation:
    """IMTL-G, of Liu et al., "Towards impartial multi-task learning" (ICLR 2021); TorchJD's.

    The combination with weights that sum to 1 whose projections onto all tasks' gradients are equally long. Weights may be
    negative, and with nearly dependent gradients very large.
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import IMTLG

        return IMTLG()

    return Aggregation(make, level=level, any_scale=True)


def aligned_mtl(*, level: Level = "parameters") -> Aggregation:
    """Aligned-MTL, of Senushkin et al., "Independent component alignment" (CVPR 2023); TorchJD's, smallest eigenvalue.

    The Jacobian is replaced by the nearest one whose rows are orthogonal and equally long, as long as its shortest principal
    component; the update is the mean of the new rows.
    """

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import AlignedMTL

        return AlignedMTL()

    return Aggregation(make, level=level, any_scale=True)


def conflict_free(*, level: Level = "parameters") -> Aggregation:
    """ConFIG, of Liu, Chu & Thuerey (ICLR 2025): makes the same angle with every task's gradient; TorchJD's."""

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import ConFIG

        return ConFIG()

    return Aggregation(make, level=level)


def fairgrad(alpha: float = 1.0, *, level: Level = "parameters") -> Aggregation:
    """FairGrad, of Ban & Ji (ICML 2024): weights that solve G·w = w^(−1/α); TorchJD's, with SciPy.

    Args:
        alpha: above zero; 1 asks for what Nash-MTL asks for.
        level: see `Aggregation`.
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
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"GradVac's beta must be from 0 to 1, not {beta!r}")

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import GradVac

        return GradVac(beta)

    return Aggregation(make, level=level)


def graddrop(*, level: Level = "parameters") -> Aggregation:
    """GradDrop, of Chen et al. (NeurIPS 2020): keeps, in each coordinate, one sign drawn by chance; TorchJD's."""

    def make(_: int) -> Aggregator:
        from torchjd.aggregation import GradDrop

        return GradDrop()

    return Aggregation(make, level=level)
