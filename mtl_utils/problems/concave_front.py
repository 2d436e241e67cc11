"""Two losses in the plane whose Pareto front is concave: the smallest problem on which a weighted sum fails."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_utils.models.base import MultiTaskModel, Part
from mtl_utils.randomness import generator
from mtl_utils.tasks import Batch, Task, regression


class ConcaveFront(MultiTaskModel):
    """Two numbers x as a model whose outputs are its own losses, L = 1 − exp(−‖x ∓ 1/√2‖²).

    Fonseca & Fleming, "Multiobjective genetic algorithms made easy" (1995), with two variables. The best trade-offs lie between
    (1/√2, 1/√2), where the `first` loss is 0, and (−1/√2, −1/√2), where the `second` is. It trains as any model does, on
    `ConcaveFront.batches()` with `ConcaveFront.tasks()`: the images are empty, and the target of each loss is 0.

    Args:
        start: where x starts; drawn near the origin from `seed` by default.
        seed: see `start`.

    Examples:
        >>> losses = ConcaveFront.losses(torch.tensor([0.0, 0.0]))  # in the middle
        >>> {name: round(float(loss), 2) for name, loss in losses.items()}
        {'first': 0.63, 'second': 0.63}
    """

    def __init__(self, start: tuple[float, float] | None = None, *, seed: int = 0) -> None:
        super().__init__(("first", "second"))
        x = torch.empty(2).uniform_(-0.5, 0.5, generator=generator(seed)) if start is None else torch.tensor(start).float()
        if x.shape != (2,):
            raise ValueError(f"x starts at two numbers, not {start!r}")
        self.x = nn.ParameterList([nn.Parameter(x)])

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Both losses, each repeated for every image: `[N, 1]`."""
        return {name: loss.expand(len(images), 1) for name, loss in self.losses(self.x[0]).items()}

    @staticmethod
    def losses(x: Tensor) -> dict[str, Tensor]:
        """Both losses at points `[..., 2]`, each `[...]`."""
        ends = {"first": 0.5**0.5, "second": -(0.5**0.5)}
        return {name: 1 - torch.exp(-(x - end).square().sum(-1)) for name, end in ends.items()}

    @staticmethod
    def front(points: int = 101) -> Tensor:
        """The Pareto front: both losses along the straight line between the two best points, `[points, 2]`."""
        along = torch.linspace(0.5**0.5, -(0.5**0.5), points)
        return torch.stack(list(ConcaveFront.losses(along[:, None].expand(-1, 2)).values()), 1)

    @staticmethod
    def tasks() -> list[Task]:
        """Two regressions whose loss is the distance of the output to 0, that is, the output."""
        return [regression(name, 1, loss="l1") for name in ("first", "second")]

    @staticmethod
    def batches() -> list[Batch]:
        """The one batch that there is: an empty image, and 0 as the target of both losses."""
        return [(torch.zeros(1, 1, 1, 1), {name: torch.zeros(1, 1) for name in ("first", "second")})]

    def parts(self) -> list[Part]:
        return [Part("x", self.task_names, self.x, 0)]
