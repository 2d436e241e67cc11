"""Pretrained weights: asked for, checked by their hash, and never run."""

import hashlib
import os
import pickle

import pytest
import torch
from torchvision.models import ResNet18_Weights, resnet18

from mtl_utils import models
from mtl_utils.models import PretrainedWeightsError
from mtl_utils.models.encoders import pretrained


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of torchvision's, and a network that nobody may ask."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("the network was asked"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


class Published:
    """Weights as torchvision lists them, whose file has a given content."""

    def __init__(self, content):
        self.url = f"https://example.org/models/resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"

    def __str__(self):
        return "ResNet18_Weights.TEST"


def test_a_pickle_in_the_cache_is_not_run(cache):
    content = pickle.dumps(Evil())
    name = ResNet18_Weights.DEFAULT.url.rsplit("/", 1)[1]
    (cache / name).write_bytes(content)
    with pytest.raises(
        PretrainedWeightsError, match=r"is damaged or another file: its SHA-256 starts with .*expected f37072fd"
    ):
        models.resnet18((3, 64, 64), weights=ResNet18_Weights.DEFAULT)
    # Not even one with the right hash.
    weights = Published(content)
    (cache / weights.url.rsplit("/", 1)[1]).write_bytes(content)
    with pytest.raises(PretrainedWeightsError, match="does not hold tensors alone"):
        pretrained.pretrained_state(weights)
    assert not (cache.parents[1] / "evil").exists()


def test_the_network_is_asked_only_with_permission(cache, monkeypatch):
    with pytest.raises(
        PretrainedWeightsError, match=r"resnet18-f37072fd.pth is not there. Give download=True to fetch it from"
    ):
        models.resnet18((3, 64, 64), weights=ResNet18_Weights.DEFAULT)
    asked = []

    def offline(url, path, hash_prefix, progress):
        asked.append((url, hash_prefix))
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(PretrainedWeightsError, match=r"could not fetch https://.* \(no route to host\)"):
        models.resnet18((3, 64, 64), weights=ResNet18_Weights.DEFAULT, download=True)
    assert asked == [(ResNet18_Weights.DEFAULT.url, "f37072fd")]
    models.resnet18((3, 64, 64), download=True)  # nothing pretrained is asked for, so nobody is


def test_what_was_published_is_loaded(cache, tmp_path, monkeypatch):
    state = resnet18().state_dict()
    torch.save(state, tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    weights = Published(content)
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda url, path, **_: open(path, "wb").write(content))  # noqa: PTH123, SIM115
    found = pretrained.pretrained_state(weights, download=True)
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
    monkeypatch.setattr("mtl_utils.models.encoders.resnet.pretrained_state", lambda *_, **__: found)
    encoder = models.resnet18((3, 64, 64), weights=ResNet18_Weights.DEFAULT)
    assert torch.equal(encoder.layer4[1].conv2.weight, state["layer4.1.conv2.weight"])


def test_a_pipe_in_the_cache_is_refused(cache):
    weights = Published(b"")
    os.mkfifo(cache / weights.url.rsplit("/", 1)[1])
    with pytest.raises(PretrainedWeightsError, match="is not a regular file"):
        pretrained.pretrained_state(weights)


def test_something_else_than_tensors_is_told(cache, tmp_path):
    torch.save([1, 2], tmp_path / "file")
    content = (tmp_path / "file").read_bytes()
    weights = Published(content)
    (cache / weights.url.rsplit("/", 1)[1]).write_bytes(content)
    with pytest.raises(PretrainedWeightsError, match="does not hold a dictionary of tensors"):
        pretrained.pretrained_state(weights)
    with pytest.raises(
        ValueError, match=r"weights= takes torchvision.models.ResNet18_Weights.DEFAULT, say, or None, not 'IMAG"
    ):
        models.resnet18(weights="IMAGENET1K_V1")
