"""Freezing an encoder: it answers as in evaluation and learns nothing; its features can be computed once and kept."""

from __future__ import annotations

from torch import Tensor, nn

from mtl_utils.models.base import MultiTaskModel, Part
from mtl_utils.models.hard_sharing import HardSharing


def freeze(module: nn.Module) -> None:
    """No gradients for its parameters, and evaluation mode: batch norm keeps its statistics, dropout is off.

    A training that begins with the whole model in evaluation mode puts all of it in training mode; `train` keeps frozen parts
    as they are in a model that is in training mode.

    Example:
        >>> layer = nn.Linear(2, 1)
        >>> freeze(layer)
        >>> layer.weight.requires_grad, layer.training
        (False, False)
    """
    module.requires_grad_(False)
    module.eval()


class FrozenEncoder(HardSharing):
    """Hard sharing whose encoder is frozen: only the heads learn.

    Args:
        model: gives the encoder and the heads; they are shared with it, not copied.

    Example:
        >>> from mtl_utils import datasets, models
        >>> model = models.hard_sharing(models.lenet, datasets.multi_mnist(60, 20, 20))
        >>> [name for name, weight in FrozenEncoder(model).named_parameters() if weight.requires_grad]
        ['heads.left.weight', 'heads.left.bias', 'heads.right.weight', 'heads.right.bias']
    """

    def __init__(self, model: HardSharing) -> None:
        super().__init__(model.encoder, dict(model.heads.items()))
        freeze(self.encoder)

    def train(self, mode: bool = True) -> FrozenEncoder:
        """As for every module, but the encoder stays in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    def heads_alone(self) -> HeadsAlone:
        """A model of the heads, to be trained on kept features (see `datasets.Features`)."""
        return HeadsAlone(self)


class HeadsAlone(MultiTaskModel):
    """The heads of a model as a model of its own, from features to outputs. What it learns, the whole model has learned.

    Example:
        >>> import torch
        >>> from mtl_utils import datasets, models
        >>> heads = HeadsAlone(models.hard_sharing(models.lenet, datasets.multi_mnist(60, 20, 20)))
        >>> {name: tuple(output.shape) for name, output in heads(torch.zeros(2, 50)).items()}
        {'left': (2, 10), 'right': (2, 10)}
    """

    def __init__(self, model: HardSharing) -> None:
        super().__init__(model.task_names)
        self.heads = model.heads

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        return {name: head(features) for name, head in self.heads.items()}

    def parts(self) -> list[Part]:
        return [Part(f"head of {name}", (name,), head, 0) for name, head in self.heads.items()]
