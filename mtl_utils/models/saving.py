"""Saving and loading weights as safetensors: only tensors go into the file, and nothing in it can run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

SUFFIX = ".safetensors"
_CHECKSUM = "sha256"


class WeightsFileError(RuntimeError):
    """A weights file cannot be used: it is damaged, holds something else, or belongs to another model."""


def save_weights(model: nn.Module, path: str | Path) -> Path:
    """Write the model's weights to `path`, replacing a file there only once all is written.

    The file is in the format safetensors (names, types and numbers, no code), with a checksum of all of them beside.

    Args:
        model: any module.
        path: a file name that ends in `.safetensors`.

    Returns:
        The path.

    Raises:
        ValueError: if the name ends otherwise, or the model holds something that is not a plain tensor in memory.
        FileNotFoundError: if its folder does not exist.
        IsADirectoryError: if `path` is a folder itself.
        FileExistsError: if `path` is a link, a device or a pipe, none of which is ever replaced.
        OSError: if it cannot be written (a full disk); a file there stays as it was.

    Example:
        >>> import tempfile
        >>> from torch import nn
        >>> save_weights(nn.Linear(2, 1), Path(tempfile.mkdtemp()) / 'layer.safetensors').name
        'layer.safetensors'
    """
    from safetensors.torch import save

    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file, such as {path / f'model{SUFFIX}'}")
    if path.suffix != SUFFIX:
        raise ValueError(
            f"weights are saved as safetensors: name the file '{path.with_suffix(SUFFIX).name}', not '{path.name}'"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to save '{path.name}' in")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        kind = "a link" if path.is_symlink() else "a device, a pipe or a socket"
        raise FileExistsError(f"{path} is {kind}, and only a regular file is replaced; name another file")
    weights: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        _check_plain(name, tensor, "so it cannot be saved")
        # A copy: in the file no two weights share their memory.
        weights[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    content = save(weights, metadata={"format": "pt", _CHECKSUM: _checksum(weights)})
    # Not a file from `tempfile`, which nobody else could read; its name is this process's and thread's alone.
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.unfinished")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # so that no power cut finds the new name without the new content
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        stays = "; the file there stays as it was" if path.exists() else ""
        raise OSError(error.errno, f"could not save the weights ({error.strerror or error}){stays}", str(path)) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return path


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Put the weights of a file into the model, all or nothing.

    Raises:
        FileNotFoundError: if there is no such regular file.
        ValueError: if the model has no memory to load into (on the meta device), or holds something that is not a plain tensor.
        WeightsFileError: if the file is damaged, is no weights file, or belongs to another model: other names, shapes or types.
            The model stays as it was.

    Example:
        >>> import tempfile
        >>> from torch import nn
        >>> trained, other = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> load_weights(other, save_weights(trained, Path(tempfile.mkdtemp()) / 'layer.safetensors'))
        >>> torch.equal(other.weight, trained.weight)
        True
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no weights file {path}" + (", only something that is no file" * path.exists()))
    weights = _read(path)
    own = model.state_dict()
    for problem, names in (
        ("lacks", [name for name in own if name not in weights]),
        ("has, but this model has not,", [name for name in weights if name not in own]),
    ):
        if names:
            raise WeightsFileError(
                f"{path} belongs to another model: it {problem} '{names[0]}' ({len(names)} such names); build the model "
                "as the saved one was built, with the same tasks"
            )
    for name in own:
        tensor = weights[name]
        _check_plain(name, own[name], "so nothing can be loaded into it")
        for what, there, here in (
            ("shape", tuple(tensor.shape), tuple(own[name].shape)),
            ("type", tensor.dtype, own[name].dtype),
        ):
            if there != here:
                hint = " (model.to(dtype) changes a model's type)" if what == "type" else ""
                raise WeightsFileError(
                    f"{path} belongs to another model: '{name}' has {what} {there} in the file, {here} in this model{hint}"
                )
    before = {name: tensor.detach().clone() for name, tensor in own.items()}
    try:
        model.load_state_dict(weights)
    except BaseException as error:  # an interruption, too, or a weight that cannot be written to
        with torch.no_grad():
            for name, tensor in own.items():
                with contextlib.suppress(RuntimeError):  # one that cannot be written to has not changed either
                    tensor.copy_(before[name])
        if not isinstance(error, RuntimeError):
            raise
        raise WeightsFileError(f"{path} fits, but the model did not take it: {error}") from error


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            expected = (file.metadata() or {}).get(_CHECKSUM)
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dictionary)
    except OSError:
        raise
    except Exception as error:  # bytes at random can raise anything in a reader
        if kind := _kind_of_old_file(path):
            raise WeightsFileError(
                f"{path} is {kind}, and could run code when it is opened, so it is not opened; save the weights again with "
                f"save_weights, as '{path.with_suffix(SUFFIX).name}'"
            ) from error
        raise WeightsFileError(f"{path} is damaged or not a weights file; save it again with save_weights") from error
    if expected != _checksum(weights):
        # The format has no checksums of its own, and altered numbers would be taken for weights.
        raise WeightsFileError(
            f"{path} is damaged, or was not written by save_weights (its checksum "
            f"{'is missing' if expected is None else 'does not fit'}); save it again with save_weights"
        )
    return weights


def _kind_of_old_file(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(4)
    return "a file of torch.save" if start == b"PK\x03\x04" else "a pickle" if start[:1] == b"\x80" else None


def _checksum(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and numbers, in the order of names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name]
        digest.update(f"{name}\n{tensor.dtype}\n{tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()


def _check_plain(name: str, tensor: object, therefore: str) -> None:
    if not isinstance(tensor, Tensor):
        raise ValueError(f"'{name}' in the model's state is a {type(tensor).__name__}, not a tensor, {therefore}")
    if tensor.is_meta:
        raise ValueError(
            f"'{name}' is on the meta device and has no memory, {therefore}; model.to_empty(device='cpu') gives it one"
        )
    if tensor.layout != torch.strided or tensor.is_quantized:
        kind = "quantized" if tensor.is_quantized else "sparse"
        raise ValueError(f"'{name}' is {kind}, not a plain tensor, {therefore}")
