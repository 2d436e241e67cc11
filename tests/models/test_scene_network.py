"""The network for detection, segmentation, depth and tracking: shapes, switches, and what is shared."""

import itertools

import pytest
import torch

from mtl_utils import balancing, models, training
from mtl_utils.datasets import moving_scenes
from mtl_utils.models import Outputs, scene_network
from mtl_utils.models.forward import labelled_losses
from mtl_utils.models.scenes.decoder import Decoder
from mtl_utils.models.scenes.enhancement import MaskAttention, SqueezeExcitation
from mtl_utils.models.scenes.fusion import Fusion
from mtl_utils.models.scenes.heads import MapHead
from mtl_utils.tasks import grid_regression, pixel_regression

TINY = {"channels": (4, 8, 8, 8), "width": 8, "hidden": 8}
SWITCHES = [
    {"enhancement": enhancement, "fusion": fusion}
    for enhancement, fusion in itertools.product((False, "squeeze", "mask"), (False, True))
]
SHAPES = {"detection": (14, 16, 16), "segmentation": (11, 64, 64), "depth": (1, 64, 64), "tracking": (2, 16, 16)}


@pytest.fixture(scope="module")
def data():
    return moving_scenes(4, 2, 2, source="MNIST", frames=3).pairs()


@pytest.mark.parametrize("switches", SWITCHES)
def test_outputs_have_the_shapes_of_the_targets(data, switches) -> None:
    model = scene_network(data, **TINY, **switches)
    outputs = model(data.train.batch(slice(0, 2))[0])
    assert {name: tuple(output.shape[1:]) for name, output in outputs.items()} == SHAPES
    assert isinstance(outputs, Outputs)
    assert {name: tuple(first.shape[1:]) for name, first in outputs.first.items()} == (SHAPES if switches["fusion"] else {})


@pytest.mark.parametrize("switches", SWITCHES)
def test_parts_hold_every_parameter_once_and_say_what_is_shared(data, switches) -> None:
    """A part is shared by exactly those tasks whose losses move it."""
    model = scene_network(data, **TINY, **switches)
    parts = model.parts()
    listed = [id(parameter) for part in parts for parameter in part.module.parameters()]
    assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())
    assert [part.level for part in parts] == sorted(part.level for part in parts)
    images, targets = data.train.batch(slice(0, 6))
    moved = {part.name: set() for part in parts}
    for task in data.tasks:
        model.zero_grad()
        labelled_losses(model, images, targets, [task])[task.name].backward()
        for part in parts:
            if any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.module.parameters()):
                moved[part.name].add(task.name)
    assert moved == {part.name: set(part.tasks) for part in parts}


@pytest.mark.parametrize("names", [("detection",), ("segmentation",), ("tracking",), ("depth", "detection")])
@pytest.mark.parametrize("fusion", [False, True])
def test_any_subset_of_the_tasks(data, names, fusion) -> None:
    some = data.for_tasks(*names)
    model = scene_network(some, **TINY, fusion=fusion, enhancement=True)
    assert tuple(model(some.train.batch(slice(0, 2))[0])) == names
    history = training.fit(model, some.train, steps=2, batch_size=6, progress=False)
    assert set(history.steps[-1].losses) == set(names)


def test_a_model_without_a_head_says_so(data) -> None:
    model = scene_network(data.for_tasks("depth"), **TINY)
    with pytest.raises(ValueError, match="no head for task 'detection'"):
        training.fit(model, data, steps=1, progress=False)


@pytest.mark.parametrize("size", [(64, 64), (65, 70), (33, 48), (20, 100)])
def test_frames_of_another_size(data, size) -> None:
    model = scene_network(data, **TINY, fusion=True).eval()
    images = torch.randn(1, 6, *size)
    outputs = model(images)
    rows, columns = -(-size[0] // 4), -(-size[1] // 4)
    assert outputs["detection"].shape == (1, 14, rows, columns)
    assert outputs["tracking"].shape == (1, 2, rows, columns)
    assert outputs["segmentation"].shape == (1, 11, *size)
    assert outputs["depth"].shape == (1, 1, *size)


def test_padding_does_not_shift_answers(data) -> None:
    """A frame cut at the right and below has the answers of the whole one, far from the cut."""
    model = scene_network(data, channels=(4, 8, 8), width=8, hidden=8).eval()
    images = torch.randn(1, 6, 128, 128)
    whole, cut = model(images), model(images[..., :121, :125])
    for name, stride in (("detection", 4), ("depth", 1)):
        assert torch.allclose(
            whole[name][..., : 64 // stride, : 64 // stride], cut[name][..., : 64 // stride, : 64 // stride], atol=1e-5
        )


def test_another_encoder(data) -> None:
    model = scene_network(data, encoder=lambda shape: models.resnet18(shape, pool=False), width=8, hidden=8).eval()
    assert model(torch.randn(1, 6, 64, 64))["depth"].shape == (1, 1, 64, 64)
    with pytest.raises(ValueError, match="must give a map"):
        scene_network(data, encoder=models.small_cnn)
    with pytest.raises(ValueError, match="one stage must have stride 4"):
        scene_network(data, encoder=lambda shape: models.small_cnn(shape, channels=(4,), pool=0))


def test_bad_switches_are_told_in_words(data) -> None:
    with pytest.raises(ValueError, match="enhancement must be True, False or one of"):
        scene_network(data, enhancement="more")


def test_the_seed_decides_the_weights(data) -> None:
    first, same, other = (scene_network(data, **TINY, fusion=True, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["encoder.conv1.0.weight"], other["encoder.conv1.0.weight"])


def test_a_new_head_finds_nothing(data) -> None:
    model = scene_network(data, **TINY).eval()
    said = data.tasks[0].split(model(data.val.batch(slice(0, 2))[0])["detection"])
    assert torch.sigmoid(said.heat).mean() < 0.25
    assert 2 < said.size.mean() < 6


@pytest.mark.parametrize("make", [balancing.FAMO, balancing.IMTLL, balancing.pcgrad])
def test_balancers_work_on_both_predictions(data, make) -> None:
    model = scene_network(data, **TINY, fusion=True)
    balancer = make()
    history = training.fit(model, data.train, steps=3, batch_size=6, balancer=balancer, progress=False)
    assert len(history.steps) == 3


def test_the_loss_of_two_answers_is_their_mean(data) -> None:
    model = scene_network(data, **TINY, fusion=True).eval()
    images, targets = data.train.batch(slice(0, 4))
    outputs = model(images)
    losses = labelled_losses(model, images, targets, data.tasks)
    for task in data.tasks:
        both = [task.loss(each[task.name], targets[task.name]) for each in (outputs, outputs.first)]
        assert torch.allclose(losses[task.name], sum(both) / 2)


def test_fusion_by_hand() -> None:
    fusion = Fusion({"a": 1, "b": 1}, 1)
    with torch.no_grad():
        for parameter in fusion.parameters():
            parameter.zero_()
        for name in "ab":
            fusion.read[name][0].weight[..., 1, 1] = 1.0
            fusion.send[name].weight.fill_(2.0)
    fused = fusion({"a": torch.full((1, 1, 1, 1), 3.0), "b": torch.full((1, 1, 1, 1), 5.0)})
    # The gates are sigmoid(0) = 1/2: a hears 2·5 of b by half, b hears 2·3 of a by half.
    assert fused["a"].item() == pytest.approx(3 + 5)
    assert fused["b"].item() == pytest.approx(5 + 3)
    assert Fusion({"a": 1}, 4)({"a": torch.ones(1, 1, 2, 2)})["a"].shape == (1, 4, 2, 2)


def test_enhancement_only_weakens_and_squeeze_weighs_channels_alike_everywhere() -> None:
    features = torch.rand(2, 8, 4, 4) + 0.1
    for kind in (SqueezeExcitation, MaskAttention):
        weights = kind(8)(features) / features
        assert (weights > 0).all()
        assert (weights < 1).all()
        if kind is SqueezeExcitation:
            assert torch.allclose(weights, weights[..., :1, :1].expand_as(weights), atol=1e-5)


def test_decoder_adds_the_coarse_map_to_the_fine_one() -> None:
    decoder = Decoder([1, 1], 1).eval()
    with torch.no_grad():
        for lateral in decoder.lateral:
            lateral.weight.fill_(1.0)
            lateral.bias.zero_()
        decoder.smooth[0][0].weight.zero_()
        decoder.smooth[0][0].weight[..., 1, 1] = 1.0
    joined = decoder([torch.arange(16.0).view(1, 1, 4, 4), torch.full((1, 1, 2, 2), 100.0)])
    assert torch.allclose(joined, torch.arange(16.0).view(1, 1, 4, 4) + 100, rtol=1e-4)


def test_a_head_for_pixels_enlarges_its_map() -> None:
    head = MapHead(pixel_regression("depth"), 2, 3, 4)
    answers = head(torch.randn(1, 2, 5, 6))
    assert answers.shape == (1, 1, 5, 6)
    pixels = head.enlarge(answers)
    assert pixels.shape == (1, 1, 20, 24)
    assert torch.allclose(head.enlarge(torch.full_like(answers, 3.0)), torch.tensor(3.0))
    assert answers.min() <= pixels.min()
    assert pixels.max() <= answers.max()
    with pytest.raises(ValueError, match="stride 8"):
        MapHead(grid_regression("far", stride=8), 2, 3, 4)


def test_weights_are_learned_by_the_ordinary_loop(data) -> None:
    model = scene_network(data, **TINY, fusion=True, enhancement=True)
    history = training.fit(model, data, steps=30, batch_size=12, progress=False)
    first, last = history.steps[0].losses, history.steps[-1].losses
    assert last["segmentation"] < first["segmentation"]
    assert last["depth"] < first["depth"]
