"""Where to compute."""

from __future__ import annotations

import torch


def choose_device(device: torch.device | str | None = None) -> torch.device:
    """The device that is asked for; else CUDA, Apple's MPS or the CPU, whichever is there first."""
    if device is not None:
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
