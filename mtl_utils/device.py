"""Where to compute."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["choose_device", "device_of"]


def choose_device(device: torch.device | str | None = None) -> torch.device:
    """The device that is asked for; else CUDA, Apple's MPS or the CPU, whichever is there first.

    Raises:
        ValueError: if no device is called so, or it is not there.

    Example:
        >>> choose_device('cpu')
        device(type='cpu')
    """
    if device is not None:
        try:
            chosen = torch.device(device)
        except (RuntimeError, TypeError):
            raise ValueError(f"device must be such as 'cuda', 'mps' or 'cpu', not {device!r}") from None
        if not _is_there(chosen):
            raise ValueError(f"there is no device '{chosen}' here; leave `device` out, and one that is there will be chosen")
        return chosen
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_of(module: nn.Module) -> torch.device:
    """The device that a module's parameters are on; the CPU, if it has none.

    Example:
        >>> device_of(nn.Linear(2, 1))
        device(type='cpu')
    """
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


def _is_there(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    return device.type != "mps" or torch.backends.mps.is_available()
