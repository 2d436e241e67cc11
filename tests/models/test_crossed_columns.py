"""Cross-stitch and NDDR: their formula, their start near an identity, trained networks, errors in words."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from ways_of_sharing import (
    ENCODERS,
    assert_same_outputs,
    cross_stitch_scalar,
    images_for,
    outputs,
    small_cnn,
    stir,
)

from mtl_utils import models, training
from mtl_utils.models.columns.crossed import near_identity


class TestCrossing:
    @pytest.mark.parametrize("way", [models.cross_stitch, models.nddr])
    def test_crossings_are_on_the_device_of_the_networks_that_they_join(self, way):
        source = images_for(3, 4)
        networks = {name: models.single_task(models.lenet, source, name).to("meta") for name in ("first", "second")}
        model = way(models.lenet, source, networks=networks)
        assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
        assert {buffer.device.type for buffer in model.buffers()} <= {"meta"}

    @pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
    @pytest.mark.parametrize(
        "way", [models.cross_stitch, cross_stitch_scalar, lambda *a, **n: models.nddr(*a, norm=False, **n)]
    )
    def test_with_an_identity_each_column_is_for_itself(self, encoder, way):
        source = images_for(3, 4, 5, count=3)
        model = way(encoder, source, own=1.0)
        for column in model.columns.values():
            stir(column)
        model.eval()
        for name in model.task_names:
            torch.testing.assert_close(outputs(model, source)[name], outputs(model.alone(name), source)[name])

    @settings(max_examples=25, deadline=None)
    @given(tasks=st.integers(1, 6), own=st.floats(0.01, 1))
    def test_a_near_identity_keeps_the_size_of_features(self, tasks, own):
        matrix = torch.tensor(near_identity(tasks, own), dtype=torch.float64)
        torch.testing.assert_close(matrix.sum(1), torch.ones(tasks, dtype=torch.float64))
        assert (matrix >= 0).all()
        assert torch.equal(matrix, matrix.T)

    @pytest.mark.parametrize(
        "way", [models.cross_stitch, cross_stitch_scalar, lambda *a, **n: models.nddr(*a, norm=False, **n)]
    )
    def test_columns_that_are_alike_stay_alike_under_a_near_identity(self, way):
        # Rows add up to one, so that mixing equal features changes nothing: the start is hard sharing's.
        source = images_for(3, 4)
        assert_same_outputs(
            outputs(way(models.lenet, source), source),
            outputs(models.hard_sharing(models.lenet, source), source),
            atol=1e-5,
            rtol=1e-4,
        )

    def test_a_unit_is_its_formula(self):
        alpha = torch.randn(3, 3, 5)
        unit = models.CrossStitchUnit({name: alpha[i] for i, name in enumerate("abc")})
        maps = torch.randn(3, 2, 5, 4, 4)
        expected = torch.einsum("ijc,jnchw->inchw", alpha, maps)
        torch.testing.assert_close(torch.stack(unit(list(maps))), expected)
        torch.testing.assert_close(torch.stack(unit(list(maps[..., 0, 0]))), expected[..., 0, 0])
        assert torch.equal(unit.alpha, alpha)

    def test_a_diagonal_convolution_is_a_cross_stitch(self):
        alpha = torch.randn(2, 2, 5)
        unit = models.CrossStitchUnit({"a": alpha[0], "b": alpha[1]})
        layer = models.NDDRLayer(["a", "b"], (5, 4, 4), norm=False)
        with torch.no_grad():
            for name, row in zip("ab", alpha, strict=True):
                layer.rows[name].weight.copy_(torch.cat([torch.diag(weights) for weights in row], 1))
        maps = list(torch.randn(2, 3, 5, 4, 4))
        for one, two in zip(unit(maps), layer(maps), strict=True):
            torch.testing.assert_close(one, two)

    @pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
    def test_crossings_follow_the_stages_that_have_weights(self, encoder):
        model = models.cross_stitch(encoder, images_for(3, 4))
        assert model.crossed_stages == tuple(name for name in model.stage_names if name != "pool")

    def test_alpha_is_near_identity_and_by_channel(self):
        alphas = models.cross_stitch(models.lenet, images_for(3, 4, 5)).alphas()
        assert {name: tuple(alpha.shape) for name, alpha in alphas.items()} == {
            "conv1": (3, 3, 10),
            "conv2": (3, 3, 20),
            "dense": (3, 3, 50),
        }
        expected = torch.full((3, 3), 0.05) + 0.85 * torch.eye(3)
        torch.testing.assert_close(alphas["dense"][:, :, 7], expected)
        scalar = cross_stitch_scalar(models.lenet, images_for(3, 4, 5)).alphas()
        torch.testing.assert_close(scalar["conv1"][:, :, 0], expected)

    def test_alpha_learns_at_its_own_rate_without_decay(self):
        source = images_for(3, 4, count=16)
        model = models.cross_stitch(models.lenet, source, learning_rate_factor=100.0)
        before, alpha = model.column("first").conv1[0].weight.detach().clone(), model.alphas()["conv2"]
        rates = []

        def sgd(groups):
            made = torch.optim.SGD(groups, lr=1e-3, weight_decay=0.1)
            rates.append(made)
            return made

        training.fit(model, source, steps=1, batch_size=16, optimizer=sgd, progress=False)
        assert [(g["lr"], g["weight_decay"]) for g in rates[0].param_groups] == [(1e-3, 0.1), (pytest.approx(0.1), 0.0)]
        assert not torch.equal(before, model.column("first").conv1[0].weight)
        assert not torch.equal(alpha, model.alphas()["conv2"])

    def test_starts_from_trained_networks_without_touching_them(self):
        source = images_for(3, 4, count=16)
        networks = {task.name: stir(models.single_task(models.lenet, source, task.name)) for task in source.tasks}
        kept = copy.deepcopy(networks)
        for way in (models.cross_stitch, models.nddr, models.twin_columns):
            model = way(models.lenet, source, networks=networks)
            for name, network in networks.items():
                assert_same_outputs(outputs(model.alone(name), source), outputs(network, source))
            training.fit(model, source, steps=1, batch_size=16, progress=False)
            for name, network in networks.items():
                assert_same_outputs(outputs(network, source), outputs(kept[name], source), atol=0, rtol=0)

    def test_misuse_is_refused_in_words(self):
        source = images_for(3, 4)
        small = {"first": models.single_task(models.lenet, source, "first")}
        with pytest.raises(ValueError, match="no network for task 'second'"):
            models.cross_stitch(models.lenet, source, networks=small)
        wrong = small | {"second": models.single_task(models.lenet, source, "first")}
        with pytest.raises(ValueError, match=r"network for task 'second' answers \['first'\]"):
            models.cross_stitch(models.lenet, source, networks=wrong)
        other = small | {"second": models.single_task(small_cnn, source, "second")}
        with pytest.raises(ValueError, match=r"need the same stages: task 'first' has \['conv1', 'conv2', 'dense'\]"):
            models.cross_stitch(models.lenet, source, networks=other)

        def wide(shape):
            return models.lenet(shape, channels=(10, 25))

        broad = small | {"second": models.single_task(wide, source, "second")}
        with pytest.raises(ValueError, match=r"stage 'conv2' differs between columns.*same channels"):
            models.nddr(models.lenet, source, networks=broad)
        with pytest.raises(ValueError, match="own column must be above 0 and at most 1, not 0"):
            models.cross_stitch(models.lenet, source, own=0)
        with pytest.raises(ValueError, match="factor of crossings must be above zero"):
            models.nddr(models.lenet, source, learning_rate_factor=0)
        with pytest.raises(ValueError, match="no crossing after stage 'conv9'"):
            models.cross_stitch(models.lenet, source).unit("conv9")
        with pytest.raises(ValueError, match=r"columns for .* and heads for"):
            models.TwinColumns({"first": models.lenet()}, {"second": nn.Linear(50, 2)})
