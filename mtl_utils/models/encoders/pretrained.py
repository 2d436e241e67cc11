"""Published weights from torchvision: their hash is checked, and nothing in the file is run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

import torch
from torch import Tensor
from torchvision.models import WeightsEnum


class PretrainedWeightsError(RuntimeError):
    """Published weights are not there, or the file in their place is another one."""


def pretrained_state(weights: WeightsEnum, *, download: bool = False) -> Mapping[str, Tensor]:
    """The tensors of published weights, from torchvision's cache.

    The file is looked at before it is read: the start of its SHA-256 must be the one in its name, as torchvision publishes it
    (`resnet18-f37072fd.pth`). It is then read as tensors alone (`weights_only=True`), so that no code in it can run.

    Args:
        weights: such as `torchvision.models.ResNet18_Weights.DEFAULT`.
        download: whether torchvision's server may be asked for a file that is not in the cache.

    Raises:
        PretrainedWeightsError: if the file is not in the cache and `download` is off, or differs from the published one.
    """
    name = Path(urlparse(weights.url).path).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    found = re.search(r"-([0-9a-f]{8,})\.", name)
    if found is None:
        raise PretrainedWeightsError(f"{weights}: its file {name} has no hash in its name, so it cannot be checked")
    published = found[1]
    if not path.exists():
        if not download:
            raise PretrainedWeightsError(
                f"{weights}: the file {path} is not there. Give download=True to fetch it from {weights.url}, or copy it there"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(weights.url, str(path), hash_prefix=published, progress=False)
        except (OSError, RuntimeError) as error:  # no network, a full disk, another hash
            raise PretrainedWeightsError(f"{weights}: could not fetch {weights.url} ({error})") from error
    how_to_mend = f"Delete it and call again with download=True to fetch {weights.url}"
    if not path.is_file():
        raise PretrainedWeightsError(f"{weights}: {path} is not a regular file. {how_to_mend}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(published):
        raise PretrainedWeightsError(
            f"{weights}: {path} is damaged or another file: its SHA-256 starts with {digest[: len(published)]}, expected "
            f"{published}. {how_to_mend}"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes at random can raise anything in an unpickler
        raise PretrainedWeightsError(f"{weights}: {path} does not hold tensors alone. {how_to_mend}") from error
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise PretrainedWeightsError(f"{weights}: {path} does not hold a dictionary of tensors. {how_to_mend}")
    return state
