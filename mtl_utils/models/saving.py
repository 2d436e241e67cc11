"""Saving and loading weights: only tensors go into the file, and nothing else is ever read from it."""

from __future__ import annotations

import os
import threading
import zipfile
from pathlib import Path

import torch
from torch import nn


class WeightsFileError(RuntimeError):
    """A weights file cannot be used: it is damaged, holds something else, or belongs to another model."""


def save_weights(model: nn.Module, path: str | Path) -> Path:
    """Write the model's weights to `path`, replacing a file there only once all is written.

    Returns:
        The path.

    Raises:
        FileNotFoundError: if its folder does not exist.
        IsADirectoryError: if `path` is a folder itself.
    """
    path = Path(path)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to save '{path.name}' in")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file, such as {path / 'model.pt'}")
    # Not a file from `tempfile`, which nobody else could read; its name is this process's and thread's alone.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.unfinished")
    try:
        torch.save(weights, unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return path


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Put the weights of a file into the model, all or nothing.

    Raises:
        FileNotFoundError: if there is no such file.
        WeightsFileError: if the file is damaged, is no weights file, or belongs to another model. The model stays as it was.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            # PyTorch does not look at the checksums that it writes, and would load altered numbers.
            if altered := archive.testzip():
                raise zipfile.BadZipFile(f"the checksum of {altered} does not fit")
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes at random can raise anything in an unpickler
        raise WeightsFileError(f"{path} is damaged or not a weights file; save it again with save_weights") from error
    if not isinstance(weights, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in weights.values()):
        raise WeightsFileError(f"{path} does not hold weights (expected a dictionary of tensors)")
    own = model.state_dict()
    for problem, names in (
        ("lacks", [name for name in own if name not in weights]),
        ("has, but this model has not,", [name for name in weights if name not in own]),
    ):
        if names:
            raise WeightsFileError(f"{path} belongs to another model: it {problem} '{names[0]}' ({len(names)} such names)")
    for name, tensor in weights.items():
        if tensor.shape != own[name].shape:
            raise WeightsFileError(
                f"{path} belongs to another model: '{name}' has shape {tuple(tensor.shape)} in the file, "
                f"{tuple(own[name].shape)} in this model"
            )
    model.load_state_dict(weights)
