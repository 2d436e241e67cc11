"""Training heads on features that are computed once."""

from __future__ import annotations

from dataclasses import replace

import torch

from mtl_utils.datasets.features import Features
from mtl_utils.datasets.splits import Splits
from mtl_utils.device import choose_device
from mtl_utils.models.forward import evaluation_mode
from mtl_utils.models.freezing import FrozenEncoder


def keep_features(
    model: FrozenEncoder, splits: Splits, *, batch_size: int = 250, device: torch.device | str | None = None
) -> Splits:
    """The same splits with the features of a frozen encoder in the place of images.

    `fit(model.heads_alone(), keep_features(model, splits), …)` trains the heads of `model` as training the whole model does,
    but does not compute the encoder in every step.

    Args:
        model: its encoder is frozen, so that its features stay what they are.
        splits: the data set. Images that are augmented have no fixed features.
        batch_size: images per forward pass.
        device: where to compute.

    Raises:
        ValueError: if the encoder is not frozen, or the training images are augmented.

    Example:
        >>> from mtl_utils import datasets, fit, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> frozen = models.FrozenEncoder(models.hard_sharing(models.lenet, pairs))
        >>> kept = keep_features(frozen, pairs, device='cpu')
        >>> kept.train
        Features(60 of 50, tasks: left, right)
        >>> len(fit(frozen.heads_alone(), kept, epochs=3, progress=False).steps)
        3
    """
    if not isinstance(model, FrozenEncoder):
        raise ValueError(f"features can be kept of a FrozenEncoder, which learns nothing, not of a {type(model).__name__}")
    if splits.train.augment is not None:
        raise ValueError("augmented images are other ones in every epoch, so their features cannot be kept")
    device = choose_device(device)
    model.to(device)
    made = {}
    with evaluation_mode(model), torch.no_grad():
        for part in ("train", "val", "test"):
            split = getattr(splits, part)
            features = torch.cat([model.encode(images).cpu() for images, _ in split.batches(batch_size, device=device)])
            made[part] = Features(features, split.targets, split.tasks, split.image_shape[1:])
    return replace(splits, train=made["train"], val=made["val"], test=made["test"])
