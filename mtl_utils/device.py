"""Where to compute."""

from __future__ import annotations

import torch
from torch import nn


def choose_device(device: torch.device | str | None = None) -> torch.device:
    """The device that is asked for; else CUDA, Apple's MPS or the CPU, whichever is there first."""
    if device is not None:
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_of(module: nn.Module) -> torch.device:
    """The device that a module's parameters are on; the CPU, if it has none."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
