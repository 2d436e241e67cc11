"""Low-rank adapters: one encoder that stays as it is, and for each task a small change of its weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mtl_utils._checks import check_positive
from mtl_utils.models.base import MultiTaskModel, Part
from mtl_utils.models.freezing import freeze
from mtl_utils.models.hard_sharing import HardSharing
from mtl_utils.randomness import seeded


class Adapter(nn.Module):
    """A change ΔW = (α/r)·B·A of rank r for some of an encoder's weights.

    Hu et al., "LoRA: low-rank adaptation of large language models" (ICLR 2022): A starts by chance and B at zero, so that the
    change is zero at first. A convolution's weight `[out, in, k, k]` is taken as a matrix `[out, in·k·k]`, as its authors do
    not say; convolutions by channel (`in` = 1) are left out, since they have no low rank to gain from.

    Args:
        weights: the weights to change, by their name in the encoder.
        rank: r.
        scale: α/r.

    Example:
        >>> adapter = Adapter({'conv2.0.weight': torch.zeros(16, 6, 5, 5)}, rank=2, scale=1.0)
        >>> sum(parameter.numel() for parameter in adapter.parameters())  # B is 16×2 and A 2×150; the weight has 2400 numbers
        332
    """

    def __init__(self, weights: dict[str, Tensor], rank: int, scale: float) -> None:
        super().__init__()
        self.names, self.shapes, self.scale = tuple(weights), tuple(weight.shape for weight in weights.values()), scale
        self.down = nn.ParameterList()
        self.up = nn.ParameterList()
        for weight in weights.values():
            rows, columns = weight.shape[0], weight[0].numel()
            down = torch.empty(min(rank, rows, columns), columns)
            nn.init.kaiming_uniform_(down, a=math.sqrt(5))  # as nn.Linear, and as the authors' code
            self.down.append(nn.Parameter(down))
            self.up.append(nn.Parameter(torch.zeros(rows, len(down))))

    def changes(self) -> dict[str, Tensor]:
        """ΔW of each weight."""
        return {
            name: (self.scale * up @ down).view(shape)
            for name, shape, down, up in zip(self.names, self.shapes, self.down, self.up, strict=True)
        }


class TaskAdapters(MultiTaskModel):
    """A frozen encoder that every task reads through an adapter and a head of its own.

    The step between freezing (nothing of the encoder is learned) and fine-tuning (all of it): tasks share W and have their own
    ΔW, so that none can spoil the features of another one. The encoder is computed once for each task.

    Args:
        model: gives the encoder, which is frozen, and the heads.
        rank: of the adapters; the parameters per task are proportional to it.
        alpha: ΔW is scaled by alpha/rank; rank by default, so that the scale is 1.
        seed: where the adapters start.

    Example:
        >>> from mtl_utils import datasets, models
        >>> shared = models.hard_sharing(models.lenet, datasets.multi_mnist(60, 20, 20))
        >>> model = TaskAdapters(shared, rank=2)
        >>> [part.name for part in model.parts() if len(part.tasks) == 1]
        ['adapter of left', 'adapter of right', 'head of left', 'head of right']
    """

    def __init__(self, model: HardSharing, rank: int = 4, *, alpha: float | None = None, seed: int = 0) -> None:
        super().__init__(model.task_names)
        check_positive("rank", rank)
        self.encoder, self.heads = model.encoder, model.heads
        freeze(self.encoder)
        weights = adaptable_weights(self.encoder)
        if not weights:
            raise ValueError("this encoder has no linear layer and no convolution whose weights an adapter could change")
        with seeded(seed):
            scale = (rank if alpha is None else alpha) / rank
            self.adapters = nn.ModuleDict({name: Adapter(weights, rank, scale) for name in model.task_names})

    def train(self, mode: bool = True) -> TaskAdapters:
        """As for every module, but the frozen encoder stays in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    def adapted(self, task: str) -> dict[str, Tensor]:
        """The encoder's weights with the task's changes added."""
        self.check_task(task)
        own = dict(self.encoder.named_parameters())
        return {name: own[name] + change for name, change in self.adapters[task].changes().items()}  # type: ignore[operator]

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {name: head(functional_call(self.encoder, self.adapted(name), (images,))) for name, head in self.heads.items()}

    def parts(self) -> list[Part]:
        stages = [
            Part(f"encoder.{name}", self.task_names, stage, level)
            for level, (name, stage) in enumerate(self.encoder.named_children())
        ]
        level = len(stages)
        adapters = [Part(f"adapter of {name}", (name,), adapter, level) for name, adapter in self.adapters.items()]
        return [*stages, *adapters, *(Part(f"head of {name}", (name,), head, level + 1) for name, head in self.heads.items())]


def adaptable_weights(encoder: nn.Module) -> dict[str, Tensor]:
    """The weights of linear layers, attention and convolutions (but those by channel), by name."""
    found: dict[str, Tensor] = {}
    for name, module in encoder.named_modules():
        prefix = f"{name}." if name else ""
        if isinstance(module, nn.Conv2d) and module.weight.shape[1] == 1 and module.groups > 1:
            continue
        if isinstance(module, nn.Linear | nn.Conv2d):
            found[f"{prefix}weight"] = module.weight
        elif isinstance(module, nn.MultiheadAttention) and module.in_proj_weight is not None:
            found[f"{prefix}in_proj_weight"] = module.in_proj_weight
    return found
