"""MMoE: several expert encoders that all tasks share, and for each task a gate that mixes them, image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mtl_utils.device import device_of
from mtl_utils.models.base import HasTasks, MultiTaskModel, Part
from mtl_utils.models.encoders.stages import EncoderFactory
from mtl_utils.models.experts.gate import Gate, build_experts, mix


class MixtureOfExperts(MultiTaskModel):
    """Multi-gate mixture of experts. Make one with `mixture_of_experts`.

    Args:
        experts: encoders with outputs of the same shape.
        gates: for each task its gate over the experts; a gate sees the image.
        heads: for each task its head.
    """

    def __init__(self, experts: Sequence[nn.Sequential], gates: Mapping[str, Gate], heads: Mapping[str, nn.Module]) -> None:
        super().__init__(tuple(heads))
        self.experts = nn.ModuleList(experts)
        self.gates = nn.ModuleDict(dict(gates))
        self.heads = nn.ModuleDict(dict(heads))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = [expert(images) for expert in self.experts]
        return {name: head(mix(self.gates[name](images), features)) for name, head in self.heads.items()}

    def gate_weights(self, images: Tensor) -> dict[str, Tensor]:
        """For each task what its gate gives to each expert, `[N, experts]`, each row adding up to 1."""
        images = images.to(device_of(self))
        return {name: gate(images) for name, gate in self.gates.items()}

    def expert_names(self, task: str) -> tuple[str, ...]:
        """Names of the experts that a task's gate chooses among, in the order of its weights."""
        self.check_task(task)
        return tuple(f"expert {number}" for number in range(1, len(self.experts) + 1))

    def parts(self) -> list[Part]:
        parts = [
            Part(f"{stage} of expert {number}", self.task_names, module, level)
            for number, expert in enumerate(self.experts, start=1)
            for level, (stage, module) in enumerate(expert.named_children())
        ]
        last = 1 + max(part.level for part in parts)
        parts += [Part(f"gate of {name}", (name,), gate, last) for name, gate in self.gates.items()]
        parts += [Part(f"head of {name}", (name,), head, last + 1) for name, head in self.heads.items()]
        return sorted(parts, key=lambda part: part.level)


def mixture_of_experts(
    encoder: EncoderFactory, data: HasTasks, *, experts: int = 2, gate_dropout: float = 0.0, seed: int = 0
) -> MixtureOfExperts:
    """MMoE (Ma et al., "Modeling task relationships in multi-task learning with multi-gate mixture-of-experts", KDD 2018).

    With one expert it is hard sharing. Deviations: experts are image encoders; a gate sees the image averaged to 7×7 fields
    (the paper's see the whole input vector), and starts even.

    Args:
        encoder: makes an expert.
        data: a data set or a split; gives the tasks and the images' shape.
        experts: how many experts; time and parameters grow with them.
        gate_dropout: against collapse onto one expert; see `Gate`.
        seed: chooses the initial weights; the first expert and the heads are those of `hard_sharing`.

    Examples:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(train=60, val=20, test=20)
        >>> model = mixture_of_experts(models.lenet, pairs, experts=3)
        >>> images, _ = next(iter(pairs.train.batches(2)))
        >>> {task: tuple(output.shape) for task, output in model(images).items()}
        {'left': (2, 10), 'right': (2, 10)}
    """
    built, heads = build_experts(encoder, data, experts, seed=seed)
    gates = {task.name: Gate(data.image_shape, experts, dropout=gate_dropout) for task in data.tasks}
    return MixtureOfExperts(built, gates, heads)
