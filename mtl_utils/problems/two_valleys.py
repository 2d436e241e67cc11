"""Two losses in the plane, with steep valleys on the way to the front: the example by which gradient methods are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from mtl_utils.balancing.two_tasks import TwoTaskMethod, gramian
from mtl_utils.models.base import MultiTaskModel, Part
from mtl_utils.tasks import Batch, Task, regression

_FLOOR = 5e-6
_LOWEST = -20.0  # no loss is below


class TwoValleys(MultiTaskModel):
    """Two numbers x as a model whose outputs are its own losses, those of CAGrad's and Nash-MTL's two-dimensional example.

    L₁ = c₁·f₁ + c₂·g₁ and L₂ = c₁·f₂ + c₂·g₂, with c₁ = max(tanh(x₂/2), 0) and c₂ = max(tanh(−x₂/2), 0). In the upper half
    f₁ = log max(|½(−x₁−7) − tanh(−x₂)|, 5e−6) + 6 and f₂ = log max(|½(−x₁+3) + tanh(−x₂) + 2|, 5e−6) + 6 make two valleys with
    infinitely steep floors; in the lower half g₁, g₂ = ((−x₁ ± 7)² + 0.1·(x₂+8)²)/10 − 20 are two bowls, with the Pareto front
    between their centers, near x₂ = −8.

    The papers (Liu et al., NeurIPS 2021; Navon et al., ICML 2022) print a minus before the tanh of f₂; the authors' codes have
    the plus that stands here, without which the valleys would not be each other's mirror image.

    Args:
        start: where x starts.

    Example:
        >>> losses = TwoValleys.losses(torch.tensor([0.0, -8.0]))  # in the middle of the Pareto set
        >>> {name: round(float(loss), 1) for name, loss in losses.items()}
        {'first': -15.1, 'second': -15.1}
    """

    #: Where the papers start.
    starts = ((-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0))

    def __init__(self, start: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__(("first", "second"))
        x = torch.tensor(start).float()
        if x.shape != (2,):
            raise ValueError(f"x starts at two numbers, not {start!r}")
        self.x = nn.ParameterList([nn.Parameter(x)])

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Both losses, each repeated for every image: `[N, 1]`."""
        return {name: loss.expand(len(images), 1) for name, loss in self.losses(self.x[0]).items()}

    @staticmethod
    def losses(x: Tensor) -> dict[str, Tensor]:
        """Both losses at points `[..., 2]`, each `[...]`."""
        one, two = x.unbind(-1)
        above, below = _positive_part(torch.tanh(two / 2)), _positive_part(torch.tanh(-two / 2))
        f = {
            "first": (0.5 * (-one - 7) - torch.tanh(-two)).abs().clamp(min=_FLOOR).log() + 6,
            "second": (0.5 * (-one + 3) + torch.tanh(-two) + 2).abs().clamp(min=_FLOOR).log() + 6,
        }
        g = {
            name: ((-one + at).square() + 0.1 * (two + 8).square()) / 10 + _LOWEST
            for name, at in (("first", 7), ("second", -7))
        }
        return {name: above * f[name] + below * g[name] for name in f}

    @staticmethod
    def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of both losses at points `[..., 2]`, each `[..., 2]`."""
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            first, second = TwoValleys.losses(at).values()
            (one,) = torch.autograd.grad(first.sum(), at, retain_graph=True)
            (two,) = torch.autograd.grad(second.sum(), at)
        return one, two

    @staticmethod
    def pareto_set(points: int = 101) -> Tensor:
        """The points x that no other beats in both losses, `[points, 2]`: from the first loss's lowest point to the second's.

        They minimize share·L₁ + (1 − share)·L₂, whose x₁ is 7·(2·share − 1); x₂ is found on a fine grid.
        """
        share = torch.linspace(1, 0, points, dtype=torch.float64)
        x = torch.stack(
            [(7 * (2 * share - 1))[:, None].expand(-1, 2001), torch.linspace(-10, -7, 2001).double().expand(points, -1)], -1
        )
        first, second = TwoValleys.losses(x).values()
        lowest = (share[:, None] * first + (1 - share[:, None]) * second).argmin(1)
        return x[torch.arange(points), lowest]

    @staticmethod
    def tasks() -> list[Task]:
        """Two tasks whose loss is the output itself."""
        return [regression(name, 1, loss=_output) for name in ("first", "second")]

    @staticmethod
    def batches() -> list[Batch]:
        """The one batch that there is: an empty image, and a target that nobody looks at."""
        return [(torch.zeros(1, 1, 1, 1), {name: torch.zeros(1, 1) for name in ("first", "second")})]

    def parts(self) -> list[Part]:
        return [Part("x", self.task_names, self.x, 0)]


def _positive_part(x: Tensor) -> Tensor:
    """max(x, 0), with the slope 1 at 0. Newer versions of PyTorch give `clamp` the slope 0 there: x would stay at (0, 0)."""
    return torch.where(x >= 0, x, 0.0)


def _output(output: Tensor, _: Tensor) -> Tensor:
    return output.mean()


class FamoOfTwo:
    """FAMO (Liu et al., NeurIPS 2023) on many points at once: `balancing.FAMO`, on losses raised by 20 to be positive.

    Args:
        learning_rate, weight_decay: of the internal Adam.

    Example:
        >>> follow({'FAMO': FamoOfTwo()}, starts=[(0.0, 0.0)], steps=2)['FAMO'].shape  # one start, three points, two numbers
        torch.Size([1, 3, 2])
    """

    def __init__(self, learning_rate: float = 0.025, weight_decay: float = 1e-3) -> None:
        self._learning_rate, self._weight_decay = learning_rate, weight_decay
        self._logits: Tensor | None = None

    def weights(self, losses: Tensor) -> Tensor:
        """c·z_i/L_i for losses `[..., 2]`, with sum 1."""
        if self._logits is None:
            self._logits = torch.zeros_like(losses, requires_grad=True)
            self._optimizer = torch.optim.Adam([self._logits], lr=self._learning_rate, weight_decay=self._weight_decay)
        self._before = losses - _LOWEST
        shares = torch.softmax(self._logits.detach(), -1) / self._before
        return shares / shares.sum(-1, keepdim=True)

    def after(self, losses: Tensor) -> None:
        """Learn from the losses after the step."""
        assert self._logits is not None
        fallen = self._before.log() - (losses - _LOWEST).log()
        shares = torch.softmax(self._logits.detach(), -1)
        self._logits.grad = shares * (fallen - (shares * fallen).sum(-1, keepdim=True))
        self._optimizer.step()


def follow(
    methods: Mapping[str, TwoTaskMethod | FamoOfTwo],
    starts: Sequence[tuple[float, float]] = TwoValleys.starts,
    *,
    steps: int,
    learning_rate: float = 1e-3,
    optimizer: str = "adam",
    every: int = 1,
) -> dict[str, Tensor]:
    """The paths of several methods from several starts through the two valleys, all at once, in double precision.

    Args:
        methods: for each name what makes weights of a Gramian (see `balancing.two_tasks`), or a new `FamoOfTwo`.
        starts: where each of them starts.
        steps: number of updates.
        learning_rate: of the optimizer; the papers' is 1e-3.
        optimizer: `"adam"`, as in the papers, or `"sgd"`.
        every: how many updates lie between two points that are kept.

    Returns:
        For each method its points `[starts, 1 + steps // every, 2]`, the start first.

    Example:
        >>> from mtl_utils.balancing import two_tasks
        >>> methods = {'sum': two_tasks.weighted_sum(), 'PCGrad': two_tasks.two_task_pcgrad}
        >>> paths = follow(methods, starts=[(-8.5, 7.5), (9.0, 9.0)], steps=100, every=50)
        >>> {name: tuple(points.shape) for name, points in paths.items()}
        {'sum': (2, 3, 2), 'PCGrad': (2, 3, 2)}
    """
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer= must be 'adam' or 'sgd', not {optimizer!r}")
    x = torch.tensor(starts, dtype=torch.float64).repeat(len(methods), 1, 1).requires_grad_()
    descent = (torch.optim.Adam if optimizer == "adam" else torch.optim.SGD)([x], lr=learning_rate)
    kept = [x.detach().clone()]
    famo = [(number, method) for number, method in enumerate(methods.values()) if isinstance(method, FamoOfTwo)]
    for step in range(1, steps + 1):
        first, second = TwoValleys.gradients(x)
        pairs = gramian(first, second)
        losses = _both(x) if famo else None
        weights = torch.stack([
            method.weights(losses[number]) if isinstance(method, FamoOfTwo) else method(pairs[number])  # type: ignore[index]
            for number, method in enumerate(methods.values())
        ])  # fmt: skip
        x.grad = weights[..., :1] * first + weights[..., 1:] * second
        descent.step()
        if famo:
            after = _both(x)
            for number, method in famo:
                method.after(after[number])
        if step % every == 0:
            kept.append(x.detach().clone())
    return dict(zip(methods, torch.stack(kept, 2), strict=True))


@dataclass(frozen=True)
class Paths:
    """Paths that a study has computed.

    Attributes:
        steps: the number of the update at each point that was kept, `[K]`.
        points: for each method its points, `[starts, K, 2]`.
    """

    steps: list[int]
    points: dict[str, Tensor]


def load_paths(file: str | Path) -> dict[str, Paths]:
    """The paths that `studies/two_valleys.py` wrote, for each way of stepping: `adam`, `adam x10`, `sgd`.

    Example:
        >>> list(load_paths('studies/two_valleys.npz'))
        ['adam', 'adam x10', 'sgd']
    """
    import numpy as np

    if not Path(file).is_file():
        raise ValueError(
            f"there is no file {file}: run `python studies/two_valleys.py` at the top of the repository to make it"
        )
    with np.load(file, allow_pickle=False) as found:
        return {
            way: Paths(
                found[f"{way} steps"].tolist(),
                dict(zip(found[f"{way} names"].tolist(), torch.from_numpy(found[f"{way} paths"]).double(), strict=True)),
            )
            for way in ("adam", "adam x10", "sgd")
        }


def _both(x: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.stack(list(TwoValleys.losses(x).values()), -1)
