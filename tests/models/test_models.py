"""Encoders, heads and models: shapes for many images, and every parameter in exactly one part."""

from functools import partial

import pytest
import torch
from every_way import WAYS_OF_SHARING
from torch import nn
from torchvision.models import ResNet18_Weights

from mtl_utils import models, problems
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.models.encoders import resnet
from mtl_utils.models.heads import PixelHead
from mtl_utils.tasks import classification, pixel_classification, regression

WAYS = WAYS_OF_SHARING | {
    "single task": partial(models.single_task, task="left"),
    "separate networks": models.separate_networks,
    "Pareto manifold": lambda encoder, data, seed=0: models.pareto_manifold(
        lambda number: models.hard_sharing(encoder, data, seed=number), seed=seed
    ),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def split(image_shape, tasks=None):
    tasks = tasks or [classification("left", 10), classification("right", 5)]
    targets = {task.name: torch.zeros(2, dtype=torch.int64) for task in tasks if task.kind == "classification"}
    targets |= {task.name: torch.zeros(2, *image_shape[1:], dtype=torch.int64) for task in tasks if task.is_per_pixel}
    targets |= {task.name: torch.zeros(2, task.output_size) for task in tasks if task.kind == "regression"}
    return MultiTaskDataset(torch.zeros(2, *image_shape, dtype=torch.uint8), targets, tasks)


def test_lenet_has_the_sizes_of_the_literature():
    assert models.stage_shapes(models.lenet(), (1, 28, 28)) == [(10, 12, 12), (20, 4, 4), (50,)]
    assert models.count_parameters(models.lenet()) == 260 + 5020 + 16050


@pytest.mark.parametrize("make", [models.lenet, models.small_cnn])
def test_pooling_before_the_relu_changes_no_output_and_no_gradient(make):
    def outcome(relu_first):
        encoder = make()
        encoder.load_state_dict(weights)
        for stage in encoder if relu_first else []:
            layers = list(stage)
            pools = [number for number, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
            for number in pools:
                stage[number], stage[number + 1] = layers[number + 1], layers[number]
        output = encoder(images)
        output.square().sum().backward()
        return output, *(parameter.grad for parameter in encoder.parameters())

    weights, images = make().state_dict(), torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for one, other in zip(outcome(False), outcome(True), strict=True):
        assert torch.equal(one, other)


def test_the_small_cnn_halves_at_each_stage():
    assert models.stage_shapes(models.small_cnn(), (1, 28, 28)) == [(32, 14, 14), (64, 7, 7), (128, 3, 3), (1152,)]
    assert models.stage_shapes(models.small_cnn(pool=0), (1, 28, 28))[-1] == (128, 3, 3)
    assert models.stage_shapes(models.small_cnn(pool=1, channels=(8, 16)), (1, 28, 28))[-1] == (16,)


@pytest.mark.parametrize(
    ("shape", "first", "last"),
    [
        ((1, 28, 28), (64, 28, 28), (512, 4, 4)),
        ((3, 64, 64), (64, 16, 16), (512, 2, 2)),
        ((3, 96, 64), (64, 24, 16), (512, 3, 2)),
    ],
)
def test_resnet_keeps_small_images_large_enough(shape, first, last):
    shapes = models.stage_shapes(models.resnet18(shape), shape)
    assert (shapes[0], shapes[4], shapes[5]) == (first, last, (512,))
    assert models.stage_shapes(models.resnet18(shape, pool=False), shape)[-1] == last


def test_resnet_is_torchvisions():
    from torchvision.models import resnet18

    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = resnet18().eval()
        torch.manual_seed(0)
        ours = models.resnet18((3, 64, 64)).eval()
    theirs.fc = nn.Identity()
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(ours(images), theirs(images))


@pytest.mark.parametrize("colors", [1, 3, 4])
@pytest.mark.parametrize("size", [28, 64])
def test_pretrained_filters_carry_over_to_other_images(monkeypatch, colors, size):
    pretrained = resnet.torchvision_resnet18()
    monkeypatch.setattr(resnet, "pretrained_state", lambda weights, download: pretrained.state_dict())
    stem = models.resnet18((colors, size, size), weights=ResNet18_Weights.DEFAULT).stem[0]
    original = pretrained.conv1.weight if size == 64 else pretrained.conv1.weight[:, :, 2:5, 2:5]
    gray = torch.rand(1, 1, 20, 20)
    answer = nn.functional.conv2d(gray.expand(1, colors, 20, 20), stem.weight)
    torch.testing.assert_close(answer, nn.functional.conv2d(gray.expand(1, 3, 20, 20), original), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 64), (3, 64, 96)])
@pytest.mark.parametrize("encoder", [models.lenet, models.small_cnn, models.resnet18])
def test_every_encoder_answers_for_every_image(encoder, shape):
    outputs = models.hard_sharing(encoder, split(shape))(torch.rand(2, *shape))
    assert {name: tuple(output.shape) for name, output in outputs.items()} == {"left": (2, 10), "right": (2, 5)}
    outputs["left"].sum().backward()


@pytest.mark.parametrize("height", range(16, 41, 3))
@pytest.mark.parametrize("width", [16, 17, 28, 33])
def test_stage_shapes_are_what_comes_out(height, width):
    shape = (2, height, width)
    for encoder in (models.lenet(shape), models.small_cnn(shape)):
        features, images = models.stage_shapes(encoder, shape)[-1], torch.zeros(3, *shape)
        assert tuple(encoder(images).shape) == (3, *features)


def test_finding_shapes_changes_nothing():
    encoder = models.small_cnn()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    models.stage_shapes(encoder, (1, 28, 28))
    assert encoder.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_heads_fit_task_and_features():
    image = (1, 12, 16)
    features = torch.rand(2, 6, 3, 4)
    assert models.make_head(classification("a", 7), (6,), image)(torch.rand(2, 6)).shape == (2, 7)
    assert models.make_head(regression("a", 3), (6, 3, 4), image)(features).shape == (2, 3)
    pixels = models.make_head(pixel_classification("a", 5), (6, 3, 4), image)
    assert isinstance(pixels, PixelHead)
    assert pixels(features).shape == (2, 5, 12, 16)
    with pytest.raises(ValueError, match=r"task 'a' is a pixel classification and needs features with height and width"):
        models.make_head(pixel_classification("a", 5), (6,), image)


@every_way
def test_the_parts_hold_every_parameter_exactly_once(way, two_digits):
    model = way(models.lenet, two_digits)
    in_parts = [id(parameter) for part in model.parts() for parameter in part.module.parameters()]
    assert sorted(in_parts) == sorted(id(parameter) for parameter in model.parameters())
    by_task = [p for name in model.task_names for p in model.task_parameters(name)]
    assert sorted(id(p) for p in [*model.shared_parameters(), *by_task]) == sorted(in_parts)
    levels = [part.level for part in model.parts()]
    assert min(levels) == 0
    assert sum(part.size for part in model.parts()) == models.count_parameters(model)


@every_way
def test_a_tasks_loss_reaches_no_other_tasks_parameters(way, two_digits):
    model = way(models.lenet, two_digits)
    images, _ = next(two_digits.train.batches(4))
    for name in model.task_names:
        model.zero_grad()
        model(images)[name].sum().backward()
        for other in set(model.task_names) - {name}:
            assert all(p.grad is None or not p.grad.any() for p in model.task_parameters(other))


@every_way
def test_the_same_seed_gives_the_same_weights_and_leaves_chance_alone(way, two_digits):
    before = torch.get_rng_state()
    first, again, other = (way(models.lenet, two_digits, seed=seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_shared_and_single_networks_start_from_the_same_encoder(two_digits):
    shared, alone = models.hard_sharing(models.lenet, two_digits), models.single_task(models.lenet, two_digits, "right")
    apart = models.separate_networks(models.lenet, two_digits)
    for one, two, three in zip(
        shared.encoder.parameters(), alone.encoder.parameters(), apart.networks["left"].encoder.parameters(), strict=True
    ):
        assert torch.equal(one, two)
        assert torch.equal(one, three)
    assert shared.shared_parameters() == list(shared.encoder.parameters())
    assert alone.shared_parameters() == apart.shared_parameters() == []


def test_features_come_between_encode_and_decode(shared, two_digits):
    images, _ = next(two_digits.train.batches(4))
    outputs = shared.decode(shared.encode(images))
    assert all(torch.equal(outputs[name], output) for name, output in shared(images).items())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.lenet((1, 15, 28)), "lenet needs images of at least 16×16 pixels, these are 15×28"),
        (lambda: models.small_cnn((1, 7, 28)), "small_cnn needs images of at least 8×8"),
        (lambda: models.resnet18((3, 7, 7)), "resnet18 needs images of at least 8×8"),
        (lambda: models.lenet((28, 28)), r"\(channels, height, width\), each above zero, not \(28, 28\)"),
        (lambda: models.lenet((0, 28, 28)), r"each above zero, not \(0, 28, 28\)"),
        (lambda: models.lenet(features=0), "lenet: features must be a whole number above zero, not 0"),
        (lambda: models.lenet(channels=(10, -1)), "lenet: channels must be a whole number above zero, not -1"),
        (lambda: models.lenet(channels=(10,)), "lenet has two convolutions"),
        (lambda: models.small_cnn(channels=()), "small_cnn needs at least one stage"),
        (lambda: models.small_cnn(channels=(8, 0)), "small_cnn: channels must be a whole number above zero, not 0"),
        (lambda: models.small_cnn(pool=-1), "small_cnn: pool must be a whole number above zero, not -1"),
        (lambda: models.stage_shapes(nn.Sequential(), (1, 2, 2)), "at least one stage"),
        (
            lambda: models.stage_shapes(models.lenet(), (3, 28, 28)),
            r"stage 'conv1' cannot take features of shape \(3, 28, 28\)",
        ),
        (lambda: models.HardSharing(models.lenet(), {}), "at least one task"),
        (
            lambda: models.hard_sharing(models.lenet(), split((1, 28, 28))),
            "encoder= takes a function that makes an encoder, such as lenet, not one that is built already",
        ),
        (lambda: models.mixture_of_experts(models.lenet(), split((1, 28, 28))), "not one that is built already"),
        (lambda: models.single_task(models.lenet(), split((1, 28, 28)), "left"), "not one that is built already"),
        (
            lambda: models.hard_sharing(lambda shape: nn.Linear(3, 4), split((1, 28, 28))),
            "an encoder must be an nn.Sequential of stages, not Linear",
        ),
        (lambda: problems.ConcaveFront((1, 2, 3)), r"x starts at two numbers, not \(1, 2, 3\)"),
    ],
)
def test_sizes_that_cannot_be_are_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_start_may_be_whole_numbers():
    assert problems.ConcaveFront((1, -2)).x[0].tolist() == [1.0, -2.0]


def test_tasks_that_are_not_there_are_told(two_digits, shared):
    with pytest.raises(ValueError, match=r"the data have no task 'middle'; the tasks are \['left', 'right'\]"):
        models.single_task(models.lenet, two_digits, "middle")
    with pytest.raises(ValueError, match=r"this model has no task 'middle'"):
        shared.task_parameters("middle")
    with pytest.raises(ValueError, match=r"the network for task 'left' answers \['right'\]"):
        models.SeparateNetworks({"left": models.single_task(models.lenet, two_digits, "right")})
    with pytest.raises(ValueError, match=r"a seed must be a whole number"):
        models.hard_sharing(models.lenet, two_digits, seed="1")
