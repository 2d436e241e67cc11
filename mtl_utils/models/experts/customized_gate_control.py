"""CGC and PLE: experts of each task's own beside shared ones, in one level or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from mtl_utils._checks import is_whole
from mtl_utils.device import device_of
from mtl_utils.models.base import HasTasks, MultiTaskModel, Part, check_data
from mtl_utils.models.encoders.stages import EncoderFactory, stage_shapes
from mtl_utils.models.experts.gate import Gate, build_experts, mix


class ExtractionLevel(nn.Module):
    """Own and shared experts, and their gates.

    Args:
        own: for each task its own experts.
        shared: the experts that all tasks share.
        gates: for each task its gate, over its own experts and then the shared ones.
        shared_gate: over all tasks' own experts and then the shared ones; for every level but the last.
    """

    def __init__(
        self,
        own: Mapping[str, Sequence[nn.Sequential]],
        shared: Sequence[nn.Sequential],
        gates: Mapping[str, Gate],
        shared_gate: Gate | None,
    ) -> None:
        super().__init__()
        self.own: Any = nn.ModuleDict({name: nn.ModuleList(experts) for name, experts in own.items()})
        self.shared = nn.ModuleList(shared)
        self.gates = nn.ModuleDict(dict(gates))
        self.shared_gate = shared_gate

    def forward(self, seen: dict[str, Tensor], shared: Tensor) -> tuple[dict[str, Tensor], Tensor, dict[str, Tensor]]:
        """Each task's mixture, the shared mixture (the shared input itself at the last level), and each task's weights.

        Args:
            seen: for each task what its own experts and its gate see.
            shared: what the shared experts and their gate see.
        """
        common = [expert(shared) for expert in self.shared]
        own = {name: [expert(seen[name]) for expert in experts] for name, experts in self.own.items()}
        weights = {name: gate(seen[name]) for name, gate in self.gates.items()}
        mixtures = {name: mix(weights[name], own[name] + common) for name in own}
        if self.shared_gate is not None:
            shared = mix(self.shared_gate(shared), [feature for features in own.values() for feature in features] + common)
        return mixtures, shared, weights


class CustomizedGateControl(MultiTaskModel):
    """One level of experts is CGC, several are PLE. Make one with `customized_gate_control`.

    Args:
        levels: the levels; all but the last have a gate for the shared experts.
        heads: for each task its head.
    """

    def __init__(self, levels: Sequence[ExtractionLevel], heads: Mapping[str, nn.Module]) -> None:
        super().__init__(tuple(heads))
        self.levels: Any = nn.ModuleList(levels)
        self.heads = nn.ModuleDict(dict(heads))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = self._extract(images)[0]
        return {name: head(features[name]) for name, head in self.heads.items()}

    def gate_weights(self, images: Tensor, level: int = -1) -> dict[str, Tensor]:
        """For each task what its gate at a level gives to each expert, `[N, own + shared]`, each row adding up to 1."""
        return self._extract(images.to(device_of(self)))[1][level]

    def expert_names(self, task: str, level: int = -1) -> tuple[str, ...]:
        """Names of the experts that a task's gate chooses among, in the order of its weights."""
        self.check_task(task)
        chosen = self.levels[level]
        own = [f"own {number}" for number in range(1, len(chosen.own[task]) + 1)]
        return (*own, *(f"shared {number}" for number in range(1, len(chosen.shared) + 1)))

    def _extract(self, images: Tensor) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
        seen, shared, weights = dict.fromkeys(self.task_names, images), images, []
        for level in self.levels:
            seen, shared, chosen = level(seen, shared)
            weights.append(chosen)
        return seen, weights

    def parts(self) -> list[Part]:
        """Below the last level everything may reach everyone, through the shared experts' gate of the level above it."""
        parts: list[Part] = []
        start = 0
        for number, level in enumerate(self.levels):
            above = len(self.levels) - 1 - number
            experts = [(f"shared expert {k}", self.task_names, e) for k, e in enumerate(level.shared, start=1)]
            for name, own in level.own.items():
                reached = (name,) if above == 0 else self.task_names
                experts += [(f"expert {k} of {name}", reached, expert) for k, expert in enumerate(own, start=1)]
            for label, tasks, expert in experts:
                parts += [
                    Part(f"{stage} of {label}", tasks, module, start + depth)
                    for depth, (stage, module) in enumerate(expert.named_children())
                ]
            start = 1 + max(part.level for part in parts)
            for name, gate in level.gates.items():
                # A task's mixture goes to its own experts at the next level, and from there to all if a shared gate follows.
                reached = (name,) if above <= 1 or not level.own[name] else self.task_names
                parts.append(Part(f"gate {number + 1} of {name}", reached, gate, start))
            if level.shared_gate is not None:
                parts.append(Part(f"gate {number + 1} of the shared experts", self.task_names, level.shared_gate, start))
            start += 1
        return parts + [Part(f"head of {name}", (name,), head, start) for name, head in self.heads.items()]


def customized_gate_control(
    encoder: EncoderFactory, data: HasTasks, *, own: int = 1, shared: int = 1, gate_dropout: float = 0.0, seed: int = 0
) -> CustomizedGateControl:
    """CGC (Tang et al., "Progressive layered extraction", RecSys 2020): whole encoders as own and as shared experts.

    Without own experts it is MMoE, and hard sharing if there is one shared expert; without shared ones, a network for each
    task. Deviation: a gate sees the image averaged to 7×7 fields, and starts even.

    Args:
        encoder: makes an expert.
        data: a data set or a split; gives the tasks and the images' shape.
        own: experts of each task alone.
        shared: experts of all tasks.
        gate_dropout: against collapse onto one expert; see `Gate`.
        seed: chooses the initial weights; the first expert (a shared one, if there is any) and the heads are `hard_sharing`'s.

    Example:
        >>> from mtl_utils import datasets, models
        >>> model = customized_gate_control(models.lenet, datasets.multi_mnist(60, 20, 20), own=1, shared=2)
        >>> model.expert_names('left')  # what its gate chooses among
        ('own 1', 'shared 1', 'shared 2')
    """
    return progressive_layered_extraction(encoder, data, levels=1, own=own, shared=shared, gate_dropout=gate_dropout, seed=seed)


def progressive_layered_extraction(
    encoder: EncoderFactory,
    data: HasTasks,
    *,
    levels: int = 2,
    own: int = 1,
    shared: int = 1,
    gate_dropout: float = 0.0,
    seed: int = 0,
) -> CustomizedGateControl:
    """PLE (Tang et al., RecSys 2020): levels of CGC, each level's experts being a run of the encoder's stages.

    Between levels the shared experts have a gate too, over all experts (some codes leave it out). Deviation: a gate sees
    feature maps averaged to at most 7×7 fields.

    Args:
        encoder, data, own, shared, gate_dropout, seed: as for `customized_gate_control`.
        levels: how many; the encoder's stages are divided among them, the first levels taking one more where it does not
            come out even.

    Raises:
        ValueError: if there are more levels than stages, no expert at all, or no shared one between levels.

    Example:
        >>> from mtl_utils import datasets, models
        >>> model = progressive_layered_extraction(models.lenet, datasets.multi_mnist(60, 20, 20), levels=2)
        >>> len(model.levels)
        2
    """
    for what, count in (("own", own), ("shared", shared)):
        if not is_whole(count) or count < 0:
            raise ValueError(f"the number of {what} experts must be a whole number, zero or more, not {count!r}")
    if own + shared < 1:
        raise ValueError("each task needs at least one expert: own and shared are both zero")
    names = [task.name for task in check_data(data).tasks]
    experts, heads = build_experts(encoder, data, shared + own * len(names), seed=seed)
    shapes = [data.image_shape, *stage_shapes(experts[0], data.image_shape)]
    stages = len(shapes) - 1
    if not is_whole(levels) or not 1 <= levels <= stages:
        raise ValueError(f"an encoder of {stages} stages makes 1 to {stages} levels, not {levels!r}")
    if levels > 1 and shared < 1:
        raise ValueError("levels meet in the shared experts: give at least one shared expert, or a single level")
    built = []
    cuts = [stages * level // levels for level in range(levels + 1)]
    cuts = [stages - cut for cut in reversed(cuts)]  # the longer runs first
    for begin, end in pairwise(cuts):
        runs = [expert[begin:end] for expert in experts]
        mine = {name: runs[shared + i * own : shared + (i + 1) * own] for i, name in enumerate(names)}
        gates = {name: Gate(shapes[begin], own + shared, dropout=gate_dropout) for name in names}
        last = end == stages
        over_all = None if last else Gate(shapes[begin], len(experts), dropout=gate_dropout)
        built.append(ExtractionLevel(mine, runs[:shared], gates, over_all))
    return CustomizedGateControl(built, heads)
