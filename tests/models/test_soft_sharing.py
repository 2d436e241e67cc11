"""Ways of sharing beyond the hard one: their limits, what reaches what, and errors in words."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mtl_utils import datasets, models, penalties, training
from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.models.columns.crossed import near_identity
from mtl_utils.tasks import classification, pixel_classification


def small_cnn(shape):
    return models.small_cnn(shape, channels=(4, 6, 8))


def cross_stitch_scalar(encoder, source, **named):
    return models.cross_stitch(encoder, source, per_channel=False, **named)


def cgc_two_shared(encoder, source, **named):
    return models.customized_gate_control(encoder, source, shared=2, **named)


ENCODERS = {"lenet": models.lenet, "small_cnn": small_cnn, "resnet18": models.resnet18}
WAYS = {
    "twin columns": models.twin_columns,
    "cross-stitch": models.cross_stitch,
    "cross-stitch, one number": cross_stitch_scalar,
    "NDDR": models.nddr,
    "MTAN": models.mtan,
    "MMoE": models.mixture_of_experts,
    "CGC": models.customized_gate_control,
    "CGC, two shared": cgc_two_shared,
    "PLE": models.progressive_layered_extraction,
}
way_of_sharing = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def images_for(*sizes, count=12, shape=(1, 28, 28), seed=0):
    """Random images with a classification task for each size: `first`, `second`, `third`."""
    generator = torch.Generator().manual_seed(seed)
    tasks = [classification(name, size) for name, size in zip(("first", "second", "third"), sizes, strict=False)]
    targets = {task.name: torch.randint(task.output_size, (count,), generator=generator) for task in tasks}
    return MultiTaskDataset(torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator), targets, tasks)


def batch_of(source):
    return source.batch(slice(None))


def outputs(model, source):
    model.eval()
    with torch.no_grad():
        return model(batch_of(source)[0])


def assert_same_outputs(one, two, **tolerances):
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], **tolerances)


def stir(model, seed=1):
    """Move every weight away from its start, so that nothing agrees merely because it is zero or even."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return model


class TestEveryWay:
    @way_of_sharing
    @pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
    def test_answers_two_tasks_and_three(self, way, encoder):
        for sizes in ((10, 4), (10, 4, 2)):
            source = images_for(*sizes, count=2)
            found = outputs(way(encoder, source), source)
            assert {name: tuple(output.shape) for name, output in found.items()} == {
                name: (2, size) for name, size in zip(("first", "second", "third"), sizes, strict=False)
            }

    @way_of_sharing
    @pytest.mark.parametrize("sizes", [(3,), (3, 4), (3, 4, 5)], ids=["one task", "two", "three"])
    def test_parts_hold_every_parameter_once(self, way, sizes):
        model = way(small_cnn, images_for(*sizes))
        listed = [id(parameter) for part in model.parts() for parameter in part.module.parameters()]
        assert len(listed) == len(set(listed))
        assert set(listed) == {id(parameter) for parameter in model.parameters()}
        levels = [part.level for part in model.parts()]
        assert len({part.name for part in model.parts()}) == len(levels)
        grouped = [id(parameter) for group in model.parameter_groups() for parameter in group["params"]]
        assert sorted(grouped) == sorted(listed)

    @way_of_sharing
    @pytest.mark.parametrize("encoder", [models.lenet, small_cnn], ids=["lenet", "small_cnn"])
    def test_parts_say_whose_loss_reaches_them(self, way, encoder):
        source = images_for(3, 4, 5)
        model = stir(way(encoder, source)).train()
        images, targets = batch_of(source)
        reached = {part.name: set() for part in model.parts()}
        for task in source.tasks:
            model.zero_grad()
            task.loss(model(images)[task.name], targets[task.name]).backward()
            for part in model.parts():
                if any(p.grad is not None and p.grad.abs().max() > 0 for p in part.module.parameters()):
                    reached[part.name].add(task.name)
        assert reached == {part.name: set(part.tasks) if part.size else set() for part in model.parts()}

    @way_of_sharing
    def test_permuting_tasks_permutes_outputs(self, way):
        source = images_for(3, 4, 5)
        turned = source.for_tasks("third", "first", "second")
        model, other = stir(way(models.lenet, source)), way(models.lenet, turned)
        weights = model.state_dict()
        if isinstance(model, models.CrossedColumns):  # within a row, the columns stand in the order of the tasks
            for name in weights:
                if name.endswith("alpha"):
                    weights[name] = weights[name][[2, 0, 1]]
                if name.endswith(".weight") and "rows" in name and weights[name].dim() == 2:
                    weights[name] = torch.cat([weights[name].chunk(3, 1)[i] for i in (2, 0, 1)], 1)
        if isinstance(model, models.CustomizedGateControl):  # the shared gate chooses among own experts in that order
            for name in weights:
                if "shared_gate" in name:
                    weights[name] = weights[name][[2, 0, 1, *range(3, len(weights[name]))]]
        other.load_state_dict(weights)
        assert tuple(other.task_names) == ("third", "first", "second")
        assert_same_outputs(outputs(model, source), {name: outputs(other, turned)[name] for name in model.task_names})

    @way_of_sharing
    def test_the_same_seed_gives_the_same_model_and_another_another(self, way):
        source = images_for(3, 4)
        one, same, other = (way(models.lenet, source, seed=seed) for seed in (5, 5, 6))
        assert_same_outputs(outputs(one, source), outputs(same, source), atol=0, rtol=0)
        assert not torch.equal(outputs(one, source)["first"], outputs(other, source)["first"])

    @way_of_sharing
    def test_trains_and_can_be_saved(self, way, tmp_path):
        source = images_for(3, 4, count=24)
        model = way(models.lenet, source)
        history = training.fit(model, source, epochs=15, batch_size=24, optimizer=training.adam(5e-3), progress=False)
        assert sum(history.steps[-1].losses.values()) < sum(history.steps[0].losses.values())
        again = way(models.lenet, source, seed=9)
        models.load_weights(again, models.save_weights(model, tmp_path / "weights.safetensors"))
        assert_same_outputs(outputs(model, source), outputs(again, source), atol=0, rtol=0)

    @way_of_sharing
    def test_works_per_pixel(self, way):
        source = images_for(3)
        maps = torch.randint(4, (12, 28, 28), generator=torch.Generator().manual_seed(0))
        source = source.with_task(pixel_classification("map", 4), maps)
        found = outputs(way(lambda shape: models.small_cnn(shape, channels=(4, 6), pool=False), source), source)
        assert found["map"].shape == (12, 4, 28, 28)
        assert found["first"].shape == (12, 3)

    @way_of_sharing
    def test_does_not_know_a_task_that_it_does_not_have(self, way):
        model = way(models.lenet, images_for(3, 4))
        with pytest.raises(ValueError, match=r"no task 'third'.*\['first', 'second'\]"):
            model.task_parameters("third")
        with pytest.raises(ValueError, match="no head for task 'third'"):
            training.fit(model, images_for(3, 4, 5), steps=1, progress=False)


class TestOneTask:
    @pytest.mark.parametrize(
        "way",
        [
            models.twin_columns,
            models.cross_stitch,
            models.nddr,
            lambda *a, **n: models.mixture_of_experts(*a, experts=1, **n),
            lambda *a, **n: models.customized_gate_control(*a, own=1, shared=0, **n),
        ],
    )
    @pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
    def test_is_the_single_task_network(self, way, encoder):
        source = images_for(4, count=3)
        assert_same_outputs(
            outputs(way(encoder, source, seed=3), source), outputs(models.single_task(encoder, source, "first", seed=3), source)
        )


class TestTwinColumns:
    def test_without_a_penalty_they_train_as_single_tasks_do(self):
        source = images_for(3, 4, count=32)
        twins = models.twin_columns(models.lenet, source)
        alone = {name: twins.alone(name) for name in twins.task_names}
        training.fit(twins, source, epochs=4, batch_size=16, penalty=penalties.DistancePenalty(0), progress=False, device="cpu")
        for name, network in alone.items():
            training.fit(network, source.for_tasks(name), epochs=4, batch_size=16, progress=False, device="cpu")
            torch.testing.assert_close(outputs(twins, source)[name], outputs(network, source)[name], atol=1e-4, rtol=1e-3)

    @pytest.mark.parametrize(
        "penalty", [penalties.DistancePenalty(math.inf), penalties.DecoupledDistancePenalty(math.inf, 0.1)]
    )
    @pytest.mark.parametrize("encoder", [models.lenet, small_cnn], ids=["lenet", "small_cnn"])
    @pytest.mark.parametrize("sizes", [(3, 4), (3, 4, 5)], ids=["two", "three"])
    def test_an_infinite_penalty_is_hard_sharing(self, penalty, encoder, sizes):
        source = images_for(*sizes, count=32)
        twins, hard = (way(encoder, source, seed=2) for way in (models.twin_columns, models.hard_sharing))
        # Plain SGD, since Adam would blow up rounding errors of tiny gradients to whole steps.
        arguments = {"epochs": 3, "batch_size": 16, "progress": False, "device": "cpu"}
        sgd = {"optimizer": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9)}
        training.fit(twins, source, penalty=penalty, **arguments, **sgd)
        training.fit(hard, source, **arguments, **sgd)
        assert_same_outputs(outputs(twins, source), outputs(hard, source), atol=2e-3, rtol=1e-2)
        assert max(twins.distances().values()) == 0

    def test_under_adam_one_step_of_an_infinite_penalty_is_one_of_hard_sharing(self):
        source = images_for(3, 4, count=16)
        twins, hard = (way(models.lenet, source) for way in (models.twin_columns, models.hard_sharing))
        training.fit(twins, source, steps=1, batch_size=16, penalty=penalties.DistancePenalty(math.inf), progress=False)
        training.fit(hard, source, steps=1, batch_size=16, progress=False)
        assert_same_outputs(outputs(twins, source), outputs(hard, source), atol=1e-3, rtol=1e-2)

    @settings(max_examples=15, deadline=None)
    @given(strength=st.floats(0, 1e3), norm=st.sampled_from(["L1", "L2"]), sizes=st.sampled_from([(3, 4), (3, 4, 5)]))
    def test_the_penalty_is_its_formula(self, strength, norm, sizes):
        twins = stir(models.twin_columns(models.lenet, images_for(*sizes)))
        columns = [list(column.parameters()) for column in twins.columns.values()]
        total = 0.0
        for a in range(len(columns)):
            for b in range(a):
                for one, two in zip(columns[a], columns[b], strict=True):
                    far = (one - two).detach().double()
                    total += float(far.abs().sum() if norm == "L1" else far.square().sum() / 2)
        assert penalties.DistancePenalty(strength, norm)(twins).item() == pytest.approx(strength * total, rel=1e-4)

    @pytest.mark.parametrize("norm", ["L1", "L2"])
    def test_a_stronger_penalty_keeps_columns_closer(self, norm):
        source = images_for(3, 4, count=32)
        far = []
        for strength in (0.0, 0.01, 1.0):
            twins = models.twin_columns(models.lenet, source)
            penalty = penalties.DistancePenalty(strength, norm)
            training.fit(twins, source, epochs=5, batch_size=16, penalty=penalty, progress=False)
            far.append(sum(twins.distances(norm).values()))
        assert far[0] > far[1] > far[2] > 0

    def test_the_strength_acts_from_the_next_step(self):
        source = images_for(3, 4, count=32)
        twins, penalty = models.twin_columns(models.lenet, source), penalties.DistancePenalty(0)
        sgd = torch.optim.SGD
        run = training.train(twins, source, steps=6, batch_size=16, penalty=penalty, optimizer=lambda g: sgd(g, lr=0.1))
        for _ in range(3):
            next(run)
        assert sum(twins.distances().values()) > 0.01
        penalty.strength = math.inf
        next(run)
        assert max(twins.distances().values()) == 0
        penalty.strength = 0
        next(run)
        assert min(twins.distances().values()) > 0

    def test_the_decoupled_pull_is_the_exact_step(self):
        source = images_for(3, 4, 5)
        twins = stir(models.twin_columns(models.lenet, source))
        before = [[weight.detach().clone() for weight in column.parameters()] for column in twins.columns.values()]
        penalties.DecoupledDistancePenalty(2.0, 0.5)(twins)
        for number in range(len(before[0])):
            mean = torch.stack([column[number] for column in before]).mean(0)
            for column, old in zip(twins.columns.values(), before, strict=True):
                expected = mean + (old[number] - mean) / (1 + 0.5 * 2.0 * 3)
                torch.testing.assert_close(list(column.parameters())[number].detach(), expected)

    @pytest.mark.parametrize("penalty", [penalties.DistancePenalty(math.inf), penalties.DecoupledDistancePenalty(5.0, 0.1)])
    @pytest.mark.parametrize("frozen", [("first",), ("first", "third")])
    def test_a_frozen_column_stays_where_it_is(self, penalty, frozen):
        source = images_for(3, 4, 5, count=16)
        twins = stir(models.twin_columns(models.lenet, source))
        for name in frozen:
            twins.column(name).requires_grad_(False)
        before = {name: copy.deepcopy(twins.column(name).state_dict()) for name in twins.task_names}
        training.fit(twins, source, steps=2, batch_size=16, penalty=penalty, progress=False)
        for name in twins.task_names:
            same = [torch.equal(tensor, before[name][key]) for key, tensor in twins.column(name).state_dict().items()]
            assert all(same) if name in frozen else not any(same)

    def test_columns_are_pulled_to_the_frozen_ones(self):
        twins = stir(models.twin_columns(models.lenet, images_for(3, 4, 5)))
        frozen = [
            [weight.detach().clone() for weight in twins.column(name).requires_grad_(False).parameters()]
            for name in ("first", "third")
        ]
        penalties.DistancePenalty(math.inf)(twins)
        for number, weight in enumerate(twins.column("second").parameters()):
            torch.testing.assert_close(weight.detach(), (frozen[0][number] + frozen[1][number]) / 2)
            assert weight.grad is None

    @pytest.mark.parametrize("frozen", [["first"], ["first", "third"]])
    def test_the_decoupled_pull_is_the_exact_step_beside_frozen_columns(self, frozen):
        twins = stir(models.twin_columns(models.lenet, images_for(3, 4, 5)))
        for name in frozen:
            twins.column(name).requires_grad_(False)
        before = {name: twins.column(name).conv1[0].bias.detach().clone() for name in twins.task_names}
        penalties.DecoupledDistancePenalty(2.0, 0.5)(twins)
        after = {name: twins.column(name).conv1[0].bias.detach() for name in twins.task_names}
        # An implicit step of size 0.5 on half of 2 times the squared distances: θ' = θ − 0.5·2·Σ_j(θ' − θ'_j).
        for name in set(twins.task_names) - set(frozen):
            pull = sum(after[name] - other for other in after.values())
            torch.testing.assert_close(after[name], before[name] - 0.5 * 2.0 * pull)
        assert all(torch.equal(after[name], before[name]) for name in frozen)

    def test_distances_are_norms_of_differences_by_stage(self):
        twins = models.twin_columns(models.lenet, images_for(3, 4))
        with torch.no_grad():
            twins.column("second").conv1[0].weight.add_(0.5)
        count = twins.column("first").conv1[0].weight.numel()
        assert twins.distances("L1") == pytest.approx({"conv1": 0.5 * count, "conv2": 0, "dense": 0}, rel=1e-5)
        assert twins.distances() == pytest.approx({"conv1": 0.5 * count**0.5, "conv2": 0, "dense": 0}, rel=1e-5)

    def test_nothing_is_shared(self):
        twins = models.twin_columns(models.lenet, images_for(3, 4))
        assert twins.shared_parameters() == []

    @pytest.mark.parametrize("strength", [-1, math.nan, "much", True])
    def test_a_wrong_strength_is_refused(self, strength):
        with pytest.raises(ValueError, match="strength must be a number, zero or more"):
            penalties.DistancePenalty(strength)
        penalty = penalties.DistancePenalty(1)
        with pytest.raises(ValueError, match="strength must be a number, zero or more"):
            penalty.strength = strength
        assert penalty.strength == 1

    def test_other_misuse_is_refused_in_words(self):
        source = images_for(3, 4)
        with pytest.raises(ValueError, match="'L1' or 'L2', not 'L3'"):
            penalties.DistancePenalty(1, "L3")
        with pytest.raises(ValueError, match=r"one column per task.*not HardSharing"):
            penalties.DistancePenalty(1)(models.hard_sharing(models.lenet, source))
        with pytest.raises(ValueError, match="learning rate must be above zero"):
            penalties.DecoupledDistancePenalty(1, 0)


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


class TestAttention:
    @pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
    def test_masks_are_between_zero_and_one_and_fit_the_features(self, encoder):
        source = images_for(3, 4, count=3)
        model = stir(models.mtan(encoder, source)).eval()
        with torch.no_grad():
            masks = model.masks(batch_of(source)[0])
        shapes = [shape for shape in models.stage_shapes(model.stages, source.image_shape) if len(shape) == 3]
        for by_stage in masks.values():
            assert [tuple(mask.shape[1:]) for mask in by_stage.values()] == shapes
            assert all(0 <= mask.min() < mask.max() <= 1 for mask in by_stage.values())

    @pytest.mark.parametrize(("encoder", "shape"), [(models.lenet, (1, 28, 28)), (models.resnet18, (3, 32, 32))])
    def test_every_stage_is_its_formula(self, encoder, shape):
        source = images_for(3, 4, count=3, shape=shape)
        model = stir(models.mtan(encoder, source)).eval()
        images = batch_of(source)[0]
        with torch.no_grad():
            found, masks = model(images), model.masks(images)
            for task in model.task_names:
                shared, previous = images, None
                for number, (name, stage) in enumerate(model.stages.named_children()):
                    # u and p: before and after the last block of a ResNet's layer; elsewhere both are what the stage gives.
                    u = stage[0](shared) if name.startswith("layer") else stage(shared)
                    p = stage[1](u) if name.startswith("layer") else u
                    seen = u
                    if previous is not None:
                        shrink = previous.shape[-1] // u.shape[-1]
                        seen = torch.cat([u, nn.functional.max_pool2d(previous, shrink)], 1)
                    module = model.attention[task][number]
                    squeeze, squeeze_norm, _, spread, spread_norm, _ = module.mask
                    mask = torch.sigmoid(spread_norm(spread(torch.relu(squeeze_norm(squeeze(seen))))))
                    torch.testing.assert_close(masks[task][name], mask)
                    # What passes features on is one for all tasks; a ResNet has none after its last stage.
                    previous, shared = mask * p, p
                    if name != "layer4":
                        onward, onward_norm, _ = model.onward[number]
                        previous = torch.relu(onward_norm(onward(previous)))
                torch.testing.assert_close(found[task], model.heads[task](model.tails[task](previous)))

    def test_a_closed_mask_lets_nothing_of_the_image_through(self):
        source = images_for(3, 4, count=3)
        model = stir(models.mtan(models.lenet, source)).eval()
        for module in model.attention["first"]:
            module.mask[4].weight.data.zero_()
            module.mask[4].bias.data.fill_(-100)
        found = outputs(model, source)
        torch.testing.assert_close(found["first"][0], found["first"][1])
        assert not torch.allclose(found["second"][0], found["second"][1])

    def test_encoder_and_what_passes_features_on_are_shared_and_the_rest_is_not(self):
        model = models.mtan(models.lenet, images_for(3, 4))
        shared = {id(parameter) for parameter in model.shared_parameters()}
        assert shared == {id(parameter) for module in (model.stages, model.onward) for parameter in module.parameters()}
        assert [name for name, _ in model.stages.named_children()] == ["conv1", "conv2"]
        names = [part.name for part in model.parts() if len(part.tasks) == 2]
        assert names == ["encoder.conv1", "onward from conv1", "encoder.conv2", "onward from conv2"]

    def test_a_task_more_costs_its_masks_its_tail_and_its_head_alone(self):
        two, three = (models.mtan(models.lenet, images_for(*classes)) for classes in ((3, 4), (3, 4, 5)))
        # By hand: two 1×1 convolutions and two batch norms for each mask, the second sees the task's 20 channels as well.
        masks = 2 * (10 * 10 + 10 + 20) + (40 * 20 + 20 + 40) + (20 * 20 + 20 + 40)
        tail, head = 320 * 50 + 50, 50 * 5 + 5
        assert models.count_parameters(three) - models.count_parameters(two) == masks + tail + head

    def test_a_resnets_last_masks_lie_on_what_goes_to_the_pooling(self):
        model = models.mtan(models.resnet18, images_for(3, 4, shape=(3, 32, 32)))
        assert [name for name, _ in model.onward.named_parameters() if name.startswith("4.")] == []
        assert "onward from layer3" in {part.name for part in model.parts()}
        assert "onward from layer4" not in {part.name for part in model.parts()}

    def test_an_encoder_without_feature_maps_is_refused(self):
        def flat(shape):
            return nn.Sequential(nn.Flatten(), nn.Linear(784, 8))

        with pytest.raises(ValueError, match=r"MTAN masks feature maps.*first stage '0'.*convolutional"):
            models.mtan(flat, images_for(3, 4))

        def back(shape):
            return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Unflatten(1, (2, 26, 26)))

        with pytest.raises(ValueError, match="stage '2' gives a feature map after stage '1' gave a vector"):
            models.mtan(back, images_for(3, 4))


class TestExperts:
    @pytest.mark.parametrize(
        "way",
        [
            lambda *a, **n: models.mixture_of_experts(*a, experts=1, **n),
            lambda *a, **n: models.customized_gate_control(*a, own=0, shared=1, **n),
            lambda *a, **n: models.progressive_layered_extraction(*a, own=0, shared=1, **n),
        ],
    )
    def test_one_expert_is_hard_sharing(self, way):
        source = images_for(3, 4, count=32)
        model, hard = way(models.lenet, source, seed=4), models.hard_sharing(models.lenet, source, seed=4)
        assert_same_outputs(outputs(model, source), outputs(hard, source))
        for each in (model, hard):
            training.fit(each, source, epochs=3, batch_size=16, progress=False)
        assert_same_outputs(outputs(model, source), outputs(hard, source), atol=1e-4, rtol=1e-3)

    def test_own_experts_alone_share_nothing(self):
        source = images_for(3, 4, 5)
        assert models.customized_gate_control(models.lenet, source, own=2, shared=0).shared_parameters() == []

    def test_shared_experts_alone_are_a_mixture_of_experts(self):
        source = images_for(3, 4)
        mixture = models.mixture_of_experts(models.lenet, source, experts=3, seed=1)
        shared = models.customized_gate_control(models.lenet, source, own=0, shared=3, seed=1)
        assert_same_outputs(outputs(mixture, source), outputs(shared, source))

    @pytest.mark.parametrize("way", [models.mixture_of_experts, models.customized_gate_control])
    def test_gates_are_even_at_the_start_and_add_up_to_one(self, way):
        source = images_for(3, 4)
        model = way(models.lenet, source)
        images = batch_of(source)[0]
        for name, weights in model.gate_weights(images).items():
            torch.testing.assert_close(weights, torch.full_like(weights, 1 / len(model.expert_names(name))))
        for weights in stir(model).gate_weights(images).values():
            torch.testing.assert_close(weights.sum(1), torch.ones(len(images)))
            assert weights.std(0).max() > 0  # a gate looks at the image

    def test_an_expert_that_a_gate_chooses_alone_answers_alone(self):
        source = images_for(3, 4)
        model = stir(models.mixture_of_experts(models.lenet, source, experts=3))
        with torch.no_grad():
            model.gates["first"].linear.weight.zero_()
            model.gates["first"].linear.bias.copy_(torch.tensor([-1e4, 1e4, -1e4]))
            expected = model.heads["first"](model.experts[1](batch_of(source)[0]))
        torch.testing.assert_close(outputs(model, source)["first"], expected)

    def test_dropout_of_experts_leaves_some_out_but_never_all(self):
        gate = models.Gate((1, 28, 28), 2, dropout=0.5)
        images = torch.randn(2000, 1, 28, 28)
        weights = gate.train()(images)
        torch.testing.assert_close(weights.sum(1), torch.ones(2000))
        left_out = (weights == 0).float().mean()
        assert 0.2 < left_out < 0.3  # each half of the time, but not both: (1/4 + 1/4) / 2
        assert (gate.eval()(images) > 0).all()

    def test_balance_is_zero_for_even_use_and_largest_for_one_expert(self):
        source = images_for(3, 4)
        model = models.mixture_of_experts(models.lenet, source, experts=3)
        penalty = penalties.GateBalance(2.0, batch_of(source)[0])
        assert penalty(model).item() == pytest.approx(0, abs=1e-6)
        with torch.no_grad():
            for number, gate in enumerate(model.gates.values()):
                gate.linear.bias[number] = 100.0
        assert penalty(model).item() == pytest.approx(2 * (3 * (0.25 + 0.25) - 1))  # each gate collapsed, on another expert
        with torch.no_grad():
            model.gates["second"].linear.bias.copy_(model.gates["first"].linear.bias)
        assert penalty(model).item() == pytest.approx(2 * (3 - 1))
        with pytest.raises(ValueError, match="not in a HardSharing"):
            penalty(models.hard_sharing(models.lenet, source))
        with pytest.raises(ValueError, match="zero or more and finite"):
            penalties.GateBalance(-1, batch_of(source)[0])

    def test_balance_brings_forgotten_experts_back(self):
        source = images_for(3, 4, count=32)
        model = models.mixture_of_experts(models.lenet, source)
        with torch.no_grad():
            for gate in model.gates.values():
                gate.linear.bias[0] = 5.0
        images = batch_of(source)[0]
        penalty = penalties.GateBalance(1.0, images)
        before = float(torch.stack(list(model.gate_weights(images).values())).detach().mean((0, 1)).min())
        training.fit(model, source, steps=60, batch_size=32, penalty=penalty, optimizer=training.adam(0.02), progress=False)
        after = float(torch.stack(list(model.gate_weights(images).values())).detach().mean((0, 1)).min())
        assert before < 0.01
        assert after > 0.2

    @pytest.mark.parametrize("levels", [1, 2, 3])
    def test_levels_divide_the_stages_among_them(self, levels):
        model = models.progressive_layered_extraction(models.lenet, images_for(3, 4), levels=levels)
        runs = [[name for name, _ in level.shared[0].named_children()] for level in model.levels]
        assert (
            runs
            == {
                1: [["conv1", "conv2", "dense"]],
                2: [["conv1", "conv2"], ["dense"]],
                3: [["conv1"], ["conv2"], ["dense"]],
            }[levels]
        )
        assert [level.shared_gate is None for level in model.levels] == [False] * (levels - 1) + [True]

    def test_misuse_is_refused_in_words(self):
        source = images_for(3, 4)
        for wrong in (0, 1.5, True):
            with pytest.raises(ValueError, match="number of experts must be a whole number above zero"):
                models.mixture_of_experts(models.lenet, source, experts=wrong)
        with pytest.raises(ValueError, match="own experts must be a whole number, zero or more, not -1"):
            models.customized_gate_control(models.lenet, source, own=-1)
        with pytest.raises(ValueError, match="at least one expert: own and shared are both zero"):
            models.customized_gate_control(models.lenet, source, own=0, shared=0)
        with pytest.raises(ValueError, match="3 stages makes 1 to 3 levels, not 4"):
            models.progressive_layered_extraction(models.lenet, source, levels=4)
        with pytest.raises(ValueError, match="give at least one shared expert"):
            models.progressive_layered_extraction(models.lenet, source, shared=0)
        with pytest.raises(ValueError, match="leaving an expert out must be from 0 to below 1"):
            models.mixture_of_experts(models.lenet, source, gate_dropout=1.0)


def test_real_images_with_two_digits_train_in_every_way():
    images = datasets.multi_mnist(64, 16, 16)
    for way in WAYS.values():
        history = training.fit(way(models.lenet, images), images, epochs=1, batch_size=32, progress=False)
        assert all(0 <= accuracy <= 1 for accuracy in history.best.metrics.values())
