"""Adapters start as the frozen encoder, change what they say, and leave the encoder alone; frozen encoders stay frozen."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mtl_utils import datasets, evaluate, fit
from mtl_utils.balancing import WeightedSum
from mtl_utils.datasets import Features
from mtl_utils.models import (
    FromPixels,
    FrozenEncoder,
    TaskAdapters,
    backbone,
    count_parameters,
    hard_sharing,
    lenet,
    small_cnn,
)
from mtl_utils.tasks import classification
from mtl_utils.training import adam, keep_features


@pytest.fixture(scope="module")
def pairs():
    return datasets.multi_mnist(96, 40, 40)


@pytest.fixture
def images():
    return torch.randn(4, 1, 36, 36, generator=torch.Generator().manual_seed(0))


def snapshot(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(module, before):
    return all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_untrained_adapters_change_nothing(pairs):
    shape = pairs.image_shape
    model = hard_sharing(small_cnn, pairs).eval()
    images = torch.rand(3, *shape)
    expected = model(images)
    found = TaskAdapters(model, rank=3).eval()(images)
    for name in expected:
        assert torch.allclose(found[name], expected[name], atol=1e-6)


def test_the_change_is_b_times_a_of_each_task(pairs):
    model = hard_sharing(lenet, pairs)
    adapted = TaskAdapters(model, rank=2, alpha=6)
    with torch.no_grad():
        for parameter in adapted.adapters["left"].up:
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    left, right = adapted.adapted("left"), adapted.adapted("right")
    for number, (name, down, up) in enumerate(
        zip(adapted.adapters["left"].names, adapted.adapters["left"].down, adapted.adapters["left"].up, strict=True)
    ):
        own = dict(model.encoder.named_parameters())[name]
        assert torch.allclose(left[name], own + 3 * (up @ down).view_as(own), atol=1e-6)
        assert torch.equal(right[name], own)
        assert torch.linalg.matrix_rank((left[name] - own).flatten(1)) == min(2, *own.flatten(1).shape), number
    images = torch.rand(2, *pairs.image_shape)
    by_hand = hard_sharing(lenet, pairs)
    by_hand.load_state_dict(model.state_dict())
    by_hand.encoder.load_state_dict({**model.encoder.state_dict(), **{name: value.detach() for name, value in left.items()}})
    assert torch.allclose(adapted(images)["left"], by_hand(images)["left"], atol=1e-6)


def test_training_adapters_leaves_the_encoder_as_it_is(pairs):
    model = TaskAdapters(hard_sharing(small_cnn, pairs), rank=2)
    before, first = snapshot(model.encoder), snapshot(model.adapters)
    fit(model, pairs, epochs=1, batch_size=32, progress=False, device="cpu")
    assert same(model.encoder, before)
    assert not same(model.adapters, first)
    parts = {part.name: part for part in model.parts()}
    assert parts["adapter of left"].tasks == ("left",)
    assert sum(part.size for part in parts.values()) == count_parameters(model)


def test_adapters_serve_a_transformer_and_leave_out_convolutions_by_channel():
    split = datasets.MultiTaskDataset(
        torch.zeros(2, 3, 64, 64, dtype=torch.uint8), {"a": torch.tensor([0, 1])}, [classification("a", 2)]
    )
    model = TaskAdapters(hard_sharing(backbone("vit_b_32"), split), rank=2)
    assert any(name.endswith("in_proj_weight") for name in model.adapters["a"].names)
    loss = model(torch.rand(2, 3, 64, 64))["a"].sum()
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.adapters.parameters())
    mobile = TaskAdapters(hard_sharing(backbone("mobilenet_v3_small"), split), rank=2)
    own = dict(mobile.encoder.named_parameters())
    assert all(own[name].dim() == 2 or own[name].shape[1] > 1 for name in mobile.adapters["a"].names)


def test_adapters_need_something_to_adapt(pairs):
    model = hard_sharing(lenet, pairs)
    with pytest.raises(ValueError, match="rank must be a whole number above zero"):
        TaskAdapters(model, rank=0)
    model.encoder = nn.Sequential(nn.Flatten())
    with pytest.raises(ValueError, match="no linear layer and no convolution"):
        TaskAdapters(model)


def test_a_frozen_encoder_learns_nothing_and_its_heads_do(pairs):
    model = FrozenEncoder(hard_sharing(small_cnn, pairs))
    before, heads = snapshot(model.encoder), snapshot(model.heads)
    fit(model, pairs, epochs=2, batch_size=32, progress=False, device="cpu")
    assert same(model.encoder, before)  # batch norm's running means, too
    assert not same(model.heads, heads)


def test_heads_on_kept_features_learn_the_same(pairs):
    slow, fast = (FrozenEncoder(hard_sharing(small_cnn, pairs)) for _ in range(2))
    fit(slow, pairs, epochs=2, batch_size=32, progress=False, device="cpu")
    kept = keep_features(fast, pairs, device="cpu")
    assert isinstance(kept.train, Features)
    fit(fast.heads_alone(), kept, epochs=2, batch_size=32, progress=False, device="cpu")
    for (name, first), second in zip(slow.state_dict().items(), fast.state_dict().values(), strict=True):
        assert torch.allclose(first, second, atol=1e-4), name
    assert evaluate(fast, pairs.test).metrics == evaluate(fast.heads_alone(), kept.test).metrics


def test_features_are_a_split_like_others(pairs):
    kept = keep_features(FrozenEncoder(hard_sharing(lenet, pairs)), pairs, device="cpu")
    few = datasets.with_few_labels(kept.train, "left", 10)
    assert few.for_tasks("left").with_any_label().images.shape == (10, 50)
    assert kept.for_tasks("right").tasks == (pairs.tasks[1],)
    assert "50" in repr(kept.train)
    with pytest.raises(ValueError, match="cannot be augmented"):
        kept.train.with_augmentation(lambda *arguments: arguments[:2])
    with pytest.raises(ValueError, match="FrozenEncoder"):
        keep_features(hard_sharing(lenet, pairs), pairs)
    augmented = pairs.with_train(pairs.train.with_augmentation(lambda *arguments: arguments[:2]))
    with pytest.raises(ValueError, match="cannot be kept"):
        keep_features(FrozenEncoder(hard_sharing(lenet, pairs)), augmented)


@pytest.mark.parametrize(
    "features", [torch.zeros(3, dtype=torch.int64), torch.zeros(0, 4), torch.full((2, 4), float("nan")), torch.zeros(4)]
)
def test_features_that_are_none(features):
    with pytest.raises(ValueError, match="features"):
        Features(features, {"a": torch.zeros(len(features), dtype=torch.int64)}, [classification("a", 2)], (4, 4))


def test_the_encoder_learns_more_slowly(pairs):
    moved = {}
    for rate in (1.0, 0.1):
        model = hard_sharing(lenet, pairs, encoder_rate=rate)
        start = model.encoder.conv1[0].weight.detach().clone()
        head = model.heads["left"].weight.detach().clone()
        made = {"optimizer": lambda groups: torch.optim.SGD(groups, lr=0.01), "balancer": WeightedSum()}
        fit(model, pairs.train, steps=1, batch_size=32, progress=False, device="cpu", **made)
        moved[rate] = ((model.encoder.conv1[0].weight - start).detach(), (model.heads["left"].weight - head).detach())
    assert torch.allclose(moved[0.1][0], 0.1 * moved[1.0][0], atol=1e-7)
    assert torch.equal(moved[0.1][1], moved[1.0][1])
    with pytest.raises(ValueError, match="encoder_rate must be above zero"):
        hard_sharing(lenet, pairs, encoder_rate=0)
    assert adam(1e-3) is not None


def test_from_pixels_normalizes_inside(pairs):
    model = hard_sharing(lenet, pairs).eval()
    whole = FromPixels(model, *pairs.train.normalization)
    images, _ = pairs.test.batch(slice(0, 5))
    for name, expected in model(images).items():
        assert torch.allclose(whole(pairs.test.images[:5])[name], expected, atol=1e-5)
