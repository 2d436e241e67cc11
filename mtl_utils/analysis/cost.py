"""What a training step costs: parameters, time, and the memory that it holds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtl_utils._checks import check_positive
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.models import count_parameters
from mtl_utils.training import train

if TYPE_CHECKING:
    import pandas as pd

_COPIES = 4  # of every trained parameter: the weight, its gradient, and the two averages that Adam keeps


def measure_cost(
    models: Mapping[str, nn.Module], split: MultiTaskDataset, *, batch_size: int = 128, rounds: int = 5
) -> pd.DataFrame:
    """For each model what one training step with Adam costs. The models are trained by a few steps.

    Args:
        models: for each name a model that has all tasks of the split.
        split: images to train on, as many as one batch at least.
        batch_size: images in a step.
        rounds: how often each model is timed. The models take turns, so that a busy moment of the computer meets all of them;
            the quickest round counts.

    Returns:
        A table with a row for each model, and the columns `parameters`; `ms per step`; `state (KB)` (weights, gradients and
        Adam's two averages); `activations (KB)` (what autograd keeps of one batch for the backward pass, without the weights).

    Raises:
        ValueError: if the split is smaller than a batch.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(256, 100, 100)
        >>> cost = measure_cost({"shared": models.hard_sharing(models.lenet, pairs)}, pairs.train, rounds=1)
        >>> int(cost.loc["shared", "parameters"])
        22350
    """
    import pandas as pd

    check_positive("batch size", batch_size)
    check_positive("rounds", rounds)
    if len(split) < batch_size:
        raise ValueError(f"a batch of {batch_size} images is to be measured, and the split has {len(split)}")
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            seconds[name].append(_seconds_per_step(model, split, batch_size))
    images, _ = split.batch(slice(0, batch_size))
    lines = {
        name: {
            "parameters": count_parameters(model),
            "ms per step": 1000 * min(seconds[name]),
            "state (KB)": _COPIES * sum(p.nbytes for p in model.parameters() if p.requires_grad) / 1024,
            "activations (KB)": saved_bytes(model, images) / 1024,
        }
        for name, model in models.items()
    }
    return pd.DataFrame.from_dict(lines, orient="index")


def saved_bytes(model: nn.Module, images: Tensor) -> int:
    """Bytes that autograd keeps from a forward pass over these images, without the parameters; each piece counts once.

    Example:
        >>> saved_bytes(nn.Linear(2, 1), torch.zeros(4, 2))  # its input: 8 numbers of 4 bytes
        32
    """
    saved: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    parameters = list(model.parameters())
    images = images.to(parameters[0].device) if parameters else images
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = model(images)
    own = {parameter.untyped_storage().data_ptr() for parameter in parameters}
    total = sum(size for address, size in saved.items() if address not in own)
    del outputs  # until here it kept the saved tensors alive, so that no address was used twice
    return total


def _seconds_per_step(model: nn.Module, split: MultiTaskDataset, batch_size: int, steps: int = 4) -> float:
    run = train(model, split, steps=steps + 2, batch_size=batch_size)
    next(run), next(run)  # the first steps are slower
    start = time.perf_counter()
    for _ in run:
        pass
    return (time.perf_counter() - start) / steps
