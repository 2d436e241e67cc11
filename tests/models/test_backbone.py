"""torchvision's networks, cut into stages, give what torchvision's own networks give."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn
from torchvision import models as torchvision_models
from torchvision.models import MobileNet_V3_Small_Weights, ResNet18_Weights

from mtl_utils import datasets, fit
from mtl_utils.models import PretrainedWeightsError, backbone, hard_sharing, mtan, stage_shapes
from mtl_utils.randomness import seeded
from mtl_utils.tasks import classification, pixel_classification

SHAPE = (3, 64, 64)
NAMES = ["resnet18", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny"]


def whole(name, **sizes):
    """torchvision's network without its last linear layer, with the weights of the encoder made from the same seed."""
    with seeded(0):
        network = torchvision_models.get_model(name, weights=None, **sizes).eval()
    return network


@pytest.fixture
def images():
    return torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", NAMES)
def test_the_stages_in_a_row_are_the_network(name, images):
    with seeded(0):
        encoder = backbone(name)(SHAPE).eval()
    network = whole(name)
    with torch.no_grad():
        if name == "resnet18":
            network.fc = nn.Identity()
            expected = network(images)
        else:
            expected = network.avgpool(network.features(images))
            if name == "convnext_tiny":
                expected = network.classifier[0](expected)
            expected = expected.flatten(1)
        assert torch.equal(encoder(images), expected)


@pytest.mark.parametrize("name", NAMES)
def test_each_stage_has_a_resolution_of_its_own(name):
    shapes = stage_shapes(backbone(name, pool=False)(SHAPE), SHAPE)
    sides = [shape[1] for shape in shapes]
    assert sides == sorted(sides, reverse=True)
    assert sides[-1] == 2
    assert len(shapes) >= 4
    if name != "resnet18":
        assert len(set(sides)) == len(sides)


def test_a_transformer_gives_its_class_token_or_its_tokens_in_their_places(images):
    with seeded(0):
        vector = backbone("vit_b_32")(SHAPE).eval()
    with seeded(0):
        places = backbone("vit_b_32", pool=False)(SHAPE).eval()
    network = whole("vit_b_32", image_size=64)
    network.heads = nn.Identity()
    with torch.no_grad():
        assert torch.allclose(vector(images), network(images), atol=1e-6)
        x = network._process_input(images)
        tokens = network.encoder(torch.cat([network.class_token.expand(2, -1, -1), x], dim=1))
        found = places(images)
    assert [name for name, _ in vector.named_children()] == ["patches", "blocks1", "blocks2", "blocks3", "pool"]
    assert found.shape == (2, 768, 2, 2)
    assert torch.allclose(found[:, :, 0, 1], tokens[:, 2], atol=1e-6)
    with pytest.raises(ValueError, match="needs square images"):
        backbone("vit_b_32")((3, 64, 96))


@pytest.mark.parametrize("colors", [1, 5])
def test_other_numbers_of_channels(colors):
    with seeded(0):
        usual = backbone("mobilenet_v3_small")(SHAPE).eval()
    with seeded(0):
        other = backbone("mobilenet_v3_small")((colors, 64, 64)).eval()
    gray = torch.rand(2, 1, 64, 64)
    # A gray image in all channels gives the features of the gray image in three channels.
    assert torch.allclose(usual(gray.expand(-1, 3, -1, -1)), other(gray.expand(-1, colors, -1, -1)), atol=1e-5)


def test_backbones_serve_the_ways_of_sharing(images):
    split = datasets.MultiTaskDataset(
        (images * 255).byte().repeat(4, 1, 1, 1),
        {"a": torch.arange(8) % 2, "mask": torch.zeros(8, 64, 64, dtype=torch.int64)},
        [classification("a", 2), pixel_classification("mask", 2)],
    )
    with_places = hard_sharing(backbone("mobilenet_v3_small", pool=False), split)
    assert with_places(images)["mask"].shape == (2, 2, 64, 64)
    history = fit(with_places, split, steps=1, batch_size=4, progress=False, device="cpu")
    assert len(history.steps) == 1
    assert set(mtan(backbone("resnet18", pool=False), split)(images)) == {"a", "mask"}


def test_weights_that_are_not_at_hand_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for weights in ("DEFAULT", MobileNet_V3_Small_Weights.DEFAULT):
        with pytest.raises(PretrainedWeightsError, match="download=True"):
            backbone("mobilenet_v3_small", weights=weights)(SHAPE)


def test_a_pickle_in_the_cache_is_never_run(monkeypatch, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "was here"), "w"))

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    name = MobileNet_V3_Small_Weights.DEFAULT.url.rsplit("/", 1)[1]
    (tmp_path / "checkpoints" / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(PretrainedWeightsError):
        backbone("mobilenet_v3_small", weights="DEFAULT")(SHAPE)
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize("size", [64, 224])
def test_published_weights_are_put_in_place(monkeypatch, size):
    from mtl_utils.models.encoders import backbone as module

    published = whole("vit_b_32", image_size=224).state_dict()
    monkeypatch.setattr(module, "pretrained_state", lambda weights, download: dict(published))
    encoder = backbone("vit_b_32", weights="DEFAULT")((3, size, size))
    assert torch.equal(encoder.patches.conv_proj.weight, published["conv_proj.weight"])
    assert encoder.patches.pos_embedding.shape[1] == 1 + (size // 32) ** 2


@pytest.mark.parametrize(
    ("name", "weights", "words"),
    [
        ("resnet19", None, "no classification network 'resnet19'"),
        ("vgg11", None, "cannot be cut into stages here"),
        ("resnet18", "BEST", "published are IMAGENET1K_V1"),
        ("mobilenet_v3_small", ResNet18_Weights.DEFAULT, "weights of another network"),
    ],
)
def test_names_and_weights_that_do_not_exist(name, weights, words):
    with pytest.raises(ValueError, match=words):
        backbone(name, weights=weights)(SHAPE)


def test_images_that_are_too_small():
    with pytest.raises(ValueError, match="at least 32×32 pixels, these are 28×28"):
        backbone("resnet18")((3, 28, 28))
