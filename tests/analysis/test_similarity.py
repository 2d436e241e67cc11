"""Similarity of representations, and ablation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mtl_utils import models
from mtl_utils.analysis.ablation import without
from mtl_utils.analysis.similarity import linear_cka, stage_features


def features(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def hsic(x, y):
    """Song et al.'s unbiased estimate, from its definition."""
    n = len(x)
    k, other = (z @ z.T * (1 - torch.eye(n, dtype=z.dtype)) for z in (x.double(), y.double()))
    ones = torch.ones(n, dtype=torch.float64)
    trace = (k @ other).trace() + k.sum() * other.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * ones @ k @ other @ ones
    return float(trace / (n * (n - 3)))


class TestLinearCKA:
    @settings(max_examples=25, deadline=None)
    @given(
        count=st.integers(5, 30),
        width=st.integers(1, 40),
        scale=st.sampled_from([1e-30, 0.1, 10, 1e30]),
        seed=st.integers(0, 99),
        debiased=st.booleans(),
    )
    def test_rotation_scale_and_shift_change_nothing(self, count, width, scale, seed, debiased):
        one = features(count, width, seed=seed).double()
        turn = torch.linalg.qr(features(width, width, seed=seed + 1).double())[0]
        assert linear_cka(one, scale * (one @ turn + 3), debiased=debiased) == pytest.approx(1, abs=1e-4)

    @settings(max_examples=25, deadline=None)
    @given(count=st.integers(3, 30), a=st.integers(1, 40), b=st.integers(1, 40), seed=st.integers(0, 99))
    def test_the_plain_form_is_symmetric_and_from_zero_to_one_and_its_formula(self, count, a, b, seed):
        one, two = features(count, a, seed=seed), features(count, b, seed=seed + 1)
        found = linear_cka(one, two, debiased=False)
        assert found == pytest.approx(linear_cka(two, one, debiased=False))
        assert -1e-9 <= found <= 1 + 1e-9
        x, y = ((z - z.mean(0)).double() for z in (one, two))
        expected = (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())
        assert found == pytest.approx(float(expected), rel=1e-4)

    @settings(max_examples=25, deadline=None)
    @given(count=st.integers(5, 30), a=st.integers(1, 40), b=st.integers(1, 40), seed=st.integers(0, 99))
    def test_debiased_it_is_symmetric_and_its_formula(self, count, a, b, seed):
        one, two = features(count, a, seed=seed), features(count, b, seed=seed + 1) + 2
        found = linear_cka(one, two)
        assert found == pytest.approx(linear_cka(two, one))
        assert -1 - 1e-9 <= found <= 1 + 1e-9
        assert found == pytest.approx(hsic(one, two) / (hsic(one, one) * hsic(two, two)) ** 0.5, abs=1e-6)

    def test_four_images_by_hand(self):
        # Places 0, 1, 3, 6 on a line, centred -2.5, -1.5, 0.5, 3.5, and the same in reversed order. Sums of squares are 21.
        # XᵀX: 21² - 2·194.25 + 21²/6 = 126. XᵀY: (-19)² - 2·154.25 + 21²/6 = 126, too: four images leave one degree of freedom.
        one = torch.tensor([[0.0], [1], [3], [6]])
        assert linear_cka(one, one.flip(0)) == pytest.approx(1)
        # Five leave more: 0, 1, 3, 6, 10, centred -4, -3, -1, 2, 6, sums of squares 66, n/(n - 2) = 5/3, (n - 1)(n - 2) = 12.
        # XᵀX: 66² - 5/3·1650 + 66²/12 = 1969. XᵀY: (-59)² - 5/3·1225 + 66²/12 = 1802⅓.
        one = torch.tensor([[0.0], [1], [3], [6], [10]])
        assert linear_cka(one, one.flip(0)) == pytest.approx((59**2 - 5 / 3 * 1225 + 363) / (66**2 - 5 / 3 * 1650 + 363))

    def test_independent_features_are_unrelated_however_many(self):
        for width in (50, 320, 1440):
            one, two = features(500, width), features(500, width, seed=1)
            assert abs(linear_cka(one, two)) < 0.02
            # The plain form says 0.09, 0.39, 0.74.
            assert linear_cka(one, two, debiased=False) == pytest.approx(width / (width + 500), abs=0.01)
        assert abs(linear_cka(features(5000, 3), features(5000, 4, seed=1))) < 0.01

    def test_with_many_images_the_two_forms_agree(self):
        one = features(4000, 5)
        two = one[:, :3] + features(4000, 3, seed=1)
        assert linear_cka(one, two) == pytest.approx(linear_cka(one, two, debiased=False), abs=2e-3)

    def test_features_with_a_place_in_the_image_count_as_one_vector(self):
        one = features(6, 2, 3, 3)
        assert linear_cka(one, one.flatten(1)) == pytest.approx(1)

    def test_misuse_is_refused_in_words(self):
        with pytest.raises(ValueError, match="same images, at least 4; there are 3 and 4"):
            linear_cka(features(3, 2), features(4, 2))
        with pytest.raises(ValueError, match="at least 2; there are 1 and 1"):
            linear_cka(features(1, 2), features(1, 2), debiased=False)
        with pytest.raises(ValueError, match="sets all images equally far apart"):
            linear_cka(torch.eye(6), features(6, 2))
        with pytest.raises(ValueError, match=r"shape \[images, features\], not \(5,\)"):
            linear_cka(features(5, 2), features(5))
        with pytest.raises(ValueError, match="the same for all images"):
            linear_cka(features(5, 2), torch.ones(5, 2))


def test_stage_features_are_what_the_stages_give_and_leave_the_mode_alone():
    encoder = models.small_cnn((1, 28, 28), channels=(4, 6)).train()
    statistics = {name: value.clone() for name, value in encoder.state_dict().items()}
    images = features(3, 1, 28, 28)
    found = stage_features(encoder, images)
    assert encoder.training
    assert all(torch.equal(value, statistics[name]) for name, value in encoder.state_dict().items())
    shapes = models.stage_shapes(encoder, (1, 28, 28))
    assert [tuple(value.shape[1:]) for value in found.values()] == shapes
    assert list(found) == ["conv1", "conv2", "pool"]
    encoder.eval()
    assert torch.equal(found["pool"], encoder(images))


@pytest.mark.parametrize(
    "look", [lambda e: stage_features(e, features(2, 1, 28, 28)), lambda e: models.stage_shapes(e, (1, 28, 28))]
)
def test_looking_at_stages_leaves_a_frozen_one_frozen(look):
    encoder = models.small_cnn((1, 28, 28), channels=(4, 6)).train()
    encoder.conv1.eval()
    look(encoder)
    assert [stage.training for stage in encoder] == [False, True, True]
    assert not any(module.training for module in encoder.conv1.modules())


def test_without_a_part_its_output_is_zero_and_afterwards_all_is_as_before():
    encoder, images = models.lenet(), features(2, 1, 28, 28)
    before = encoder(images)
    with without(encoder.conv1):
        assert stage_features(encoder, images)["conv1"].abs().max() == 0
        assert not torch.equal(encoder(images), before)
    assert torch.equal(encoder(images), before)
    with pytest.raises(RuntimeError, match="on purpose"), without(encoder.conv2):
        raise RuntimeError("on purpose")
    assert torch.equal(encoder(images), before)


def part_of(model, name):
    return next(part.module for part in model.parts() if part.name == name)


@pytest.mark.parametrize(
    ("way", "name"),
    [
        (lambda data: models.mtan(models.resnet18, data), "encoder.layer1"),
        (lambda data: models.cross_stitch(models.lenet, data), "crossing into left after conv1"),
        (
            lambda data: models.pareto_manifold(lambda seed: models.hard_sharing(models.lenet, data, seed=seed)),
            "head of left at the end point of right",
        ),
    ],
)
def test_a_part_that_its_model_does_not_call_is_told(way, name, two_digits):
    model, images = way(two_digits).eval(), two_digits.val.batch(slice(0, 2))[0]
    before = model(images)
    with pytest.raises(ValueError, match=r"the part was never called inside `with without"), without(part_of(model, name)):
        model(images)
    assert torch.equal(model(images)["left"], before["left"])


class Two(nn.Module):
    def forward(self, images):
        return images, images


def test_a_part_that_gives_no_single_tensor_is_told():
    module = Two()
    with pytest.raises(ValueError, match=r"the part gives a tuple, not one tensor.*a module inside it"), without(module):
        module(torch.ones(1))
    assert len(module(torch.ones(1))) == 2


def test_without_a_tasks_attention_its_answer_changes_and_the_others_does_not(two_digits):
    model, images = models.mtan(models.lenet, two_digits).eval(), two_digits.val.batch(slice(0, 2))[0]
    before = model(images)
    with without(part_of(model, "attention of left to conv1")):
        found = model(images)
    assert not torch.equal(found["left"], before["left"])
    assert torch.equal(found["right"], before["right"])


LOOKS = {
    "stage features": lambda data, images: stage_features(models.hard_sharing(models.lenet, data).to("meta").encoder, images),
    "MTAN's masks": lambda data, images: models.mtan(models.lenet, data).to("meta").masks(images)["left"],
    "MMoE's gates": lambda data, images: models.mixture_of_experts(models.lenet, data).to("meta").gate_weights(images),
    "CGC's gates": lambda data, images: models.customized_gate_control(models.lenet, data).to("meta").gate_weights(images),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_images_follow_the_model_to_its_device(look, two_digits):
    # PyTorch's "meta" device holds shapes only, and stands here for any device that is not the CPU.
    found = look(two_digits, two_digits.val.batch(slice(0, 2))[0])
    assert all(tensor.device.type == "meta" for tensor in found.values())
