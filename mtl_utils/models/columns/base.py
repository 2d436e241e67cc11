"""Columns: an encoder of its own for every task, side by side, and what ways of sharing between columns have in common."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from mtl_utils.models.base import HasTasks, MultiTaskModel, Part, check_data
from mtl_utils.models.encoders.stages import EncoderFactory, stage_shapes
from mtl_utils.models.hard_sharing import HardSharing, hard_sharing
from mtl_utils.models.separate_networks import check_single_tasks

Norm = Literal["L1", "L2"]


class Columns(MultiTaskModel):
    """A column (encoder) and a head for each task. The columns have the same stages, so that they can be compared or crossed.

    Args:
        columns: for each task its encoder, `[N, C, H, W]` to features.
        heads: for each task a module from features to its output.

    Raises:
        ValueError: if columns and heads are not for the same tasks, or the columns' stages do not correspond.
    """

    def __init__(self, columns: Mapping[str, nn.Sequential], heads: Mapping[str, nn.Module]) -> None:
        super().__init__(tuple(columns))
        if set(columns) != set(heads):
            raise ValueError(f"there are columns for {list(columns)} and heads for {list(heads)}; they must be the same tasks")
        check_same_stages(columns)
        self.columns = nn.ModuleDict(dict(columns))
        self.heads = nn.ModuleDict({name: heads[name] for name in columns})

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of the stages, the same in every column."""
        return tuple(name for name, _ in self.column(self.task_names[0]).named_children())

    def column(self, name: str) -> nn.Sequential:
        """The encoder of one task."""
        self.check_task(name)
        column: nn.Sequential = self.columns[name]  # type: ignore[assignment]
        return column

    def alone(self, name: str) -> HardSharing:
        """One task's column and head as a single-task network (a copy), without what the other columns gave it."""
        return HardSharing(copy.deepcopy(self.column(name)), {name: copy.deepcopy(self.heads[name])})

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {name: self.heads[name](column(images)) for name, column in self.columns.items()}

    def parts(self) -> list[Part]:
        return self._column_parts({name: (name,) for name in self.task_names}, step=1)

    def _column_parts(self, readers: Mapping[str, tuple[str, ...]], step: int) -> list[Part]:
        """Stages and heads, given whose outputs depend on each column; `step` levels from stage to stage."""
        parts = [
            Part(f"{stage} of {name}", readers[name], module, level * step)
            for name in self.task_names
            for level, (stage, module) in enumerate(self.column(name).named_children())
        ]
        last = len(self.stage_names) * step
        parts += [Part(f"head of {name}", (name,), head, last) for name, head in self.heads.items()]
        return sorted(parts, key=lambda part: part.level)


class Built(NamedTuple):
    """Columns and heads to make a model from, with the shapes of the features after each stage."""

    columns: dict[str, nn.Sequential]
    heads: dict[str, nn.Module]
    shapes: list[tuple[int, ...]]


def build_columns(
    encoder: EncoderFactory, data: HasTasks, *, seed: int, networks: Mapping[str, HardSharing] | None = None
) -> Built:
    """Columns and heads for the tasks of `data`: untrained ones, all alike, or copies of single-task networks.

    Args:
        encoder: makes the encoder, such as `lenet`. Not used if `networks` are given.
        data: a data set or a split; gives the tasks and the images' shape.
        seed: chooses the initial weights: encoder and heads are those of `hard_sharing` with this seed.
        networks: for each task a trained single-task network (see `single_task`), to start from copies of them.

    Raises:
        ValueError: if a network is missing, answers another task, or has other stages than the rest.
    """
    check_data(data)
    names = [task.name for task in data.tasks]
    if networks is None:
        whole = hard_sharing(encoder, data, seed=seed)
        columns = {name: copy.deepcopy(whole.encoder) for name in names}
        heads: dict[str, nn.Module] = {name: whole.heads[name] for name in names}
    else:
        if missing := [name for name in names if name not in networks]:
            raise ValueError(f"no network for task '{missing[0]}'; there are networks for {list(networks)}")
        check_single_tasks({name: networks[name] for name in names})
        columns = {name: copy.deepcopy(networks[name].encoder) for name in names}
        heads = {name: copy.deepcopy(networks[name].heads[name]) for name in names}
    check_same_stages(columns)
    shapes = [stage_shapes(column, data.image_shape) for column in columns.values()]
    for name, other in zip(names, shapes, strict=True):
        if other != shapes[0]:
            raise ValueError(f"the column of task '{name}' gives features {other}, that of '{names[0]}' {shapes[0]}")
    return Built(columns, heads, shapes[0])


def check_same_stages(columns: Mapping[str, nn.Sequential]) -> None:
    """Raise a `ValueError` that names the tasks and the stage unless all columns have the same stages with weights alike."""
    first, *others = columns.items()
    stages = dict(first[1].named_children())
    for name, column in others:
        if list(dict(column.named_children())) != list(stages):
            raise ValueError(
                f"the columns need the same stages: task '{first[0]}' has {list(stages)}, "
                f"task '{name}' has {list(dict(column.named_children()))}"
            )
        for stage, module in column.named_children():
            one, two = ({key: tuple(w.shape) for key, w in m.named_parameters()} for m in (stages[stage], module))
            if one != two:
                raise ValueError(
                    f"stage '{stage}' differs between columns: its weights are {one} for task '{first[0]}' and {two} for "
                    f"task '{name}'; build all columns with the same channels"
                )


def total_distance(one: list[nn.Parameter], two: list[nn.Parameter], norm: Norm) -> Tensor:
    """Σ|θ_a − θ_b| (L1) or Σ(θ_a − θ_b)² (L2) over corresponding weights, a scalar with its graph."""
    # Flat vectors first: one difference of everything is a third of the cost of many small ones.
    difference = torch.cat([weight.flatten() for weight in one]) - torch.cat([weight.flatten() for weight in two])
    return difference.abs().sum() if norm == "L1" else difference.square().sum()
