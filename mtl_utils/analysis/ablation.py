"""What happens without a part of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def without(module: nn.Module) -> Iterator[None]:
    """Inside, the module's output is all zeros (an *ablation*); afterwards the model is as it was.

    Zeros are a crude ablation: what follows has never met them. A drop says that the part is used, not that it could not be
    replaced by training without it.

    Raises:
        ValueError: inside, if the module gives anything but one tensor; at the end, if it was never called. A model may use a
            part without calling it as a whole (a cross-stitch row, a stage of MTAN's whose blocks it calls one by one).

    Examples:
        >>> layer = nn.Linear(2, 1)
        >>> with without(layer):
        ...     print(layer(torch.ones(1, 2)).tolist())
        [[0.0]]
    """
    called = False

    def zeros(_: nn.Module, __: Any, output: object) -> Tensor:
        nonlocal called
        called = True
        if not isinstance(output, Tensor):
            raise ValueError(f"the part gives a {type(output).__name__}, not one tensor; take a module inside it")
        return torch.zeros_like(output)

    handle = module.register_forward_hook(zeros)
    try:
        yield
    finally:
        handle.remove()
    if not called:
        raise ValueError(
            "the part was never called inside `with without(...)`, so nothing was left out: its model does not call it as a "
            "whole; take the module that it does call"
        )
