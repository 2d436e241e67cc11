"""Columns that exchange features: after a stage, each column goes on with a mixture of what all columns have found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mtl_utils.device import device_of
from mtl_utils.models.base import Part
from mtl_utils.models.columns.base import Columns


class Crossing(nn.Module, ABC):
    """What stands between two stages: T feature maps in, T mixtures of the same shapes out.

    Attributes:
        rows: for each task the module whose parameters make *its* mixture, which is where sharing is decided.
    """

    def __init__(self, rows: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.rows = nn.ModuleDict(dict(rows))

    @abstractmethod
    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Mix features `[N, C, H, W]` (or `[N, C]`), one tensor per task, in the order of `rows`."""


class CrossedColumns(Columns):
    """Columns with a crossing after each of their stages that has weights; a single column has nothing to cross.

    Args:
        columns: for each task its encoder.
        heads: for each task its head.
        crossings: for each crossed stage its crossing, by the stage's name.
        learning_rate_factor: how many times faster than the rest the crossings learn.

    Raises:
        ValueError: if a crossing is for a stage that the columns do not have, or for other tasks.
    """

    def __init__(
        self,
        columns: Mapping[str, nn.Sequential],
        heads: Mapping[str, nn.Module],
        crossings: Mapping[str, Crossing],
        learning_rate_factor: float,
    ) -> None:
        super().__init__(columns, heads)
        for stage, crossing in crossings.items():
            if stage not in self.stage_names:
                raise ValueError(f"a crossing after stage '{stage}', but the columns' stages are {list(self.stage_names)}")
            if tuple(crossing.rows) != self.task_names:
                raise ValueError(
                    f"the crossing after stage '{stage}' is for tasks {list(crossing.rows)}, the columns are for "
                    f"{list(self.task_names)}"
                )
        if not learning_rate_factor > 0:
            raise ValueError(f"the learning rate factor of crossings must be above zero, not {learning_rate_factor!r}")
        self.crossed_stages = tuple(stage for stage in self.stage_names if stage in crossings)
        self.crossings = nn.ModuleList(crossings[stage] for stage in self.crossed_stages)
        self.learning_rate_factor = learning_rate_factor
        self.crossings.to(device_of(self.columns))  # which were perhaps trained elsewhere than on the CPU

    def crossing(self, stage: str) -> Crossing:
        """The crossing after a stage."""
        if stage not in self.crossed_stages:
            raise ValueError(
                f"there is no crossing after stage '{stage}'; there are crossings after {list(self.crossed_stages)}"
            )
        found: Crossing = self.crossings[self.crossed_stages.index(stage)]  # type: ignore[assignment]
        return found

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        columns = [list(column.children()) for column in self.columns.values()]
        features = [images] * len(columns)
        for number, stage in enumerate(self.stage_names):
            features = [column[number](feature) for column, feature in zip(columns, features, strict=True)]
            if stage in self.crossed_stages:
                features = self.crossing(stage)(features)
        return {name: head(feature) for (name, head), feature in zip(self.heads.items(), features, strict=True)}

    def parts(self) -> list[Part]:
        """Every column reaches every output at the last crossing; a row of that last crossing reaches one output only."""
        everyone = dict.fromkeys(self.task_names, self.task_names)
        own = {name: (name,) for name in self.task_names}
        last = self.crossed_stages[-1] if self.crossed_stages else None
        parts = self._column_parts(everyone if last is not None else own, step=2)
        after_last = 2 * self.stage_names.index(last) if last is not None else 0
        # A stage beyond the last crossing (such as the pooling at the end) belongs to its own task again.
        tasks = {f"{stage} of {name}": (name,) for stage in self.stage_names[after_last // 2 + 1 :] for name in self.task_names}
        parts = [part._replace(tasks=tasks.get(part.name, part.tasks)) for part in parts]
        for stage, crossing in zip(self.crossed_stages, self.crossings, strict=True):
            parts += [
                Part(
                    f"crossing into {name} after {stage}",
                    (name,) if stage == last else self.task_names,
                    row,
                    2 * self.stage_names.index(stage) + 1,
                )
                for name, row in crossing.rows.items()  # type: ignore[union-attr,operator]
            ]
        return sorted(parts, key=lambda part: part.level)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The crossings learn faster than the rest, and without weight decay, which would pull a mixture towards nothing."""
        crossings = list(self.crossings.parameters())
        if not crossings:
            return super().parameter_groups()
        known = {id(parameter) for parameter in crossings}
        return [
            {"params": [parameter for parameter in self.parameters() if id(parameter) not in known]},
            {"params": crossings, "learning_rate_factor": self.learning_rate_factor, "weight_decay": 0.0},
        ]


def stages_to_cross(columns: Mapping[str, nn.Sequential]) -> list[int]:
    """Numbers of the stages after which to cross: those with weights, if there are two columns or more.

    After a stage without weights (pooling) a crossing would repeat the one before.
    """
    if len(columns) < 2:
        return []
    return [
        number for number, stage in enumerate(next(iter(columns.values())).children()) if any(True for _ in stage.parameters())
    ]


def near_identity(tasks: int, own: float) -> list[list[float]]:
    """A `[T, T]` matrix with `own` on the diagonal; the rest of each row, evenly shared, sums with it to 1."""
    if tasks < 2:
        return [[1.0]]
    if not 0 < own <= 1:
        raise ValueError(f"each task's share of its own column must be above 0 and at most 1, not {own!r}")
    return [[own if i == j else (1 - own) / (tasks - 1) for j in range(tasks)] for i in range(tasks)]
