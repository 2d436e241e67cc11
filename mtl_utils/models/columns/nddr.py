"""NDDR: columns cross their features by a 1×1 convolution over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtl_utils.models.base import HasTasks
from mtl_utils.models.columns.base import build_columns
from mtl_utils.models.columns.crossed import CrossedColumns, Crossing, near_identity, stages_to_cross
from mtl_utils.models.encoders.stages import EncoderFactory
from mtl_utils.models.hard_sharing import HardSharing


class NDDRLayer(Crossing):
    """The T columns' features, concatenated to T·C channels, and for each task a 1×1 convolution to C channels and batch norm.

    A cross-stitch unit lets channel c see only the channels c of the other columns; here it may see all channels.

    Args:
        names: the tasks.
        shape: of one column's features, `(C, H, W)` or `(C,)`; a vector counts as a map of one pixel.
        own: weight of a channel on itself at the start; the same channel of the other columns shares the rest.
        norm: whether to normalize the mixtures.

    Example:
        >>> layer = NDDRLayer(['left', 'right'], shape=(6, 12, 12))
        >>> [tuple(mixed.shape) for mixed in layer([torch.zeros(2, 6, 12, 12), torch.ones(2, 6, 12, 12)])]
        [(2, 6, 12, 12), (2, 6, 12, 12)]
    """

    def __init__(self, names: Sequence[str], shape: tuple[int, ...], *, own: float = 0.9, norm: bool = True) -> None:
        channels = shape[0]
        start = near_identity(len(names), own)
        batch_norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
        super().__init__(
            {name: _Row(start[i], channels, batch_norm(channels) if norm else nn.Identity()) for i, name in enumerate(names)}
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        together = torch.cat(list(features), 1)
        return [row(together) for row in self.rows.values()]


class _Row(nn.Module):
    def __init__(self, start: Sequence[float], channels: int, norm: nn.Module) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.cat([share * torch.eye(channels) for share in start], 1))  # [C, T·C]
        self.norm = norm

    def forward(self, together: Tensor) -> Tensor:
        mixture = F.conv2d(together, self.weight[..., None, None]) if together.dim() == 4 else F.linear(together, self.weight)
        normed: Tensor = self.norm(mixture)
        return normed


class NDDR(CrossedColumns):
    """Columns with an NDDR layer after each stage. Make one with `nddr`."""


def nddr(
    encoder: EncoderFactory,
    data: HasTasks,
    *,
    seed: int = 0,
    networks: Mapping[str, HardSharing] | None = None,
    own: float = 0.9,
    norm: bool = True,
    learning_rate_factor: float = 1.0,
) -> NDDR:
    """NDDR-CNN (Gao et al., "Neural discriminative dimensionality reduction", CVPR 2019) for any number of tasks.

    The layers stand after each stage that has weights. Deviations: the paper's layers learn 100 times faster than its columns,
    under plain SGD and from pretrained columns; under Adam, whose steps do not depend on the gradient's size, that is
    too fast for a dense matrix, and the factor here is 1. The paper counts weight decay among what makes an NDDR layer; here
    the layers are without it, whatever the optimizer's. The authors' code has a ReLU after the batch norm; here there is none.
    No shortcuts to the last layer (NDDR-CNN-Shortcut).

    Args:
        encoder, data, seed, networks, own: as for `cross_stitch`.
        norm: whether batch norm follows the convolution, as in the paper.
        learning_rate_factor: how many times faster than the rest the NDDR layers learn.

    Examples:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(train=60, val=20, test=20)
        >>> model = nddr(models.lenet, pairs)
        >>> images, _ = next(iter(pairs.train.batches(2)))
        >>> {task: tuple(output.shape) for task, output in model(images).items()}
        {'left': (2, 10), 'right': (2, 10)}
    """
    columns, heads, shapes = build_columns(encoder, data, seed=seed, networks=networks)
    stages = [name for name, _ in next(iter(columns.values())).named_children()]
    layers = {
        stages[number]: NDDRLayer(list(columns), shapes[number], own=own, norm=norm) for number in stages_to_cross(columns)
    }
    return NDDR(columns, heads, layers, learning_rate_factor)
