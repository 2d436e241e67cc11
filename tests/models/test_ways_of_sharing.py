"""What holds for every way of sharing: its parts, what reaches what, order, seeds, saving."""

import pytest
import torch
from ways_of_sharing import ENCODERS, WAYS, assert_same_outputs, batch_of, images_for, outputs, small_cnn, stir, way_of_sharing

from mtl_utils import datasets, models, training
from mtl_utils.tasks import pixel_classification


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


def test_real_images_with_two_digits_train_in_every_way():
    images = datasets.multi_mnist(64, 16, 16)
    for way in WAYS.values():
        history = training.fit(way(models.lenet, images), images, epochs=1, batch_size=32, progress=False)
        assert all(0 <= accuracy <= 1 for accuracy in history.best.metrics.values())
