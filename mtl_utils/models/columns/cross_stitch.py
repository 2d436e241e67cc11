"""Cross-stitch: columns cross their features by a small learned matrix after each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_utils.models.base import HasTasks
from mtl_utils.models.columns.base import build_columns
from mtl_utils.models.columns.crossed import CrossedColumns, Crossing, near_identity, stages_to_cross
from mtl_utils.models.encoders.stages import EncoderFactory
from mtl_utils.models.hard_sharing import HardSharing


class CrossStitchUnit(Crossing):
    """x̃_i = Σ_j α_ij·x_j.

    Args:
        start: for each task its row of α, `[T, C]` (one weight per channel) or `[T, 1]` (one for all channels).

    Example:
        >>> unit = CrossStitchUnit({'left': torch.tensor([[0.9], [0.1]]), 'right': torch.tensor([[0.1], [0.9]])})
        >>> left, right = unit([torch.ones(1, 6), torch.zeros(1, 6)])
        >>> round(left[0, 0].item(), 3), round(right[0, 0].item(), 3)
        (0.9, 0.1)
    """

    def __init__(self, start: Mapping[str, Tensor]) -> None:
        super().__init__({name: _Row(row) for name, row in start.items()})

    def _alphas(self) -> list[Tensor]:
        return [row.get_parameter("alpha") for row in self.rows.values()]

    @property
    def alpha(self) -> Tensor:
        """α as `[T, T, C]` (or `[T, T, 1]`): `alpha[i, j, c]` is what task i takes of channel c of task j's column."""
        return torch.stack(self._alphas())

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        place = (1, -1) + (1,) * (features[0].dim() - 2)
        mixtures = []
        for alpha in self._alphas():
            mixture = alpha[0].view(place) * features[0]
            for weight, feature in zip(alpha[1:], features[1:], strict=True):
                mixture = mixture + weight.view(place) * feature
            mixtures.append(mixture)
        return mixtures


class _Row(nn.Module):
    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.alpha = nn.Parameter(start.clone())


class CrossStitch(CrossedColumns):
    """Columns with a cross-stitch unit after each stage. Make one with `cross_stitch`."""

    def alphas(self) -> dict[str, Tensor]:
        """For each crossed stage its α, `[T, T, C]` (or `[T, T, 1]`), detached, on the CPU."""
        return {stage: self.unit(stage).alpha.detach().cpu() for stage in self.crossed_stages}

    def unit(self, stage: str) -> CrossStitchUnit:
        """The unit after a stage."""
        found: CrossStitchUnit = self.crossing(stage)  # type: ignore[assignment]
        return found


def cross_stitch(
    encoder: EncoderFactory,
    data: HasTasks,
    *,
    seed: int = 0,
    networks: Mapping[str, HardSharing] | None = None,
    own: float = 0.9,
    per_channel: bool = True,
    learning_rate_factor: float = 10.0,
) -> CrossStitch:
    """Cross-stitch networks (Misra et al., CVPR 2016) for any number of tasks and any staged encoder.

    The paper starts from trained single-task columns, with 0.9 on α's diagonal and 0.1 beside it (or another convex start),
    and lets α learn 10 to 1000 times faster than the rest; the units stand after pooling and dense layers. Deviations: for T
    tasks what is not `own` is shared evenly among the other columns; the units stand after each stage that has weights.

    Args:
        encoder, data, seed: as for `hard_sharing`, whose initial encoder every column gets.
        networks: for each task a trained single-task network, to start from copies of them; untrained columns otherwise.
        own: α_ii at the start. With 1 the model starts as its columns, each for itself.
        per_channel: one α per channel, as in the paper, or a single number per pair of columns and stage.
        learning_rate_factor: how many times faster than the rest α learns.

    Examples:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(train=60, val=20, test=20)
        >>> model = cross_stitch(models.lenet, pairs)
        >>> images, _ = next(iter(pairs.train.batches(2)))
        >>> {task: tuple(output.shape) for task, output in model(images).items()}
        {'left': (2, 10), 'right': (2, 10)}
    """
    columns, heads, shapes = build_columns(encoder, data, seed=seed, networks=networks)
    names = list(columns)
    start = torch.tensor(near_identity(len(names), own))
    stages = [name for name, _ in columns[names[0]].named_children()]
    units = {
        stages[number]: CrossStitchUnit(
            {name: start[i, :, None].repeat(1, shapes[number][0] if per_channel else 1) for i, name in enumerate(names)}
        )
        for number in stages_to_cross(columns)
    }
    return CrossStitch(columns, heads, units, learning_rate_factor)
