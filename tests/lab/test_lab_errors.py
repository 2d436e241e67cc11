"""What goes wrong in a run of the lab: losses that are not finite, factories that fail, labels that are missing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_labs import factory, live, make_lab, remember, small_data, until

from mtl_utils import datasets, training
from mtl_utils.analysis import pull as probe
from mtl_utils.lab import LossWeightLab
from mtl_utils.tasks import classification, regression

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def exploding_lab(**arguments: Any) -> LossWeightLab:
    of = small_data(classification("left", 3), regression("height", 1))
    return remember(make_lab(of, optimizer=lambda groups: torch.optim.SGD(groups, lr=1e12), **arguments))


def test_a_loss_that_is_not_finite_stops_the_run_with_task_and_step_and_reset_works() -> None:
    async def test() -> None:
        lab = exploding_lab()
        lab.play()
        await until(lambda: not lab.playing)
        assert lab.status.startswith("the loss of task '")
        assert "in step" in lab.status
        assert "Reset begins anew" in lab.status
        assert "Stopped, step" in lab.status
        assert lab._screen.problem
        lab.reset()
        assert "the loss of task" not in lab.status
        lab.step()
        assert len(lab.history.steps) == 1

    live(test)


def test_run_raises_what_stopped_it() -> None:
    lab = exploding_lab()
    with pytest.raises(training.NonFiniteLossError, match="the loss of task"):
        lab.run(40)
    assert "the loss of task" in lab.status


def test_an_error_of_ones_own_model_is_shown_and_not_swallowed() -> None:
    of = small_data()

    class Broken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            raise RuntimeError("no idea <b>what</b> to do")

    lab = remember(LossWeightLab(lambda seed: Broken(), of, batch_size=32, device="cpu"))
    with pytest.raises(ValueError, match="no idea"):
        lab.run(1)
    assert "no idea <b>what</b> to do" in lab.status
    assert "<b>" in lab._screen.problem  # put into the page as text, and not as HTML


def test_a_factory_that_fails_is_shown_and_the_next_reset_tries_again() -> None:
    of, fail = small_data(), False

    def make(seed: int) -> torch.nn.Module:
        if fail:
            raise OSError("disk full")
        return factory(of)(seed)

    lab = remember(LossWeightLab(make, of, batch_size=32, device="cpu"))
    fail = True
    lab.reset()
    assert lab.status.startswith("no new model: disk full. Reset begins anew.\nStopped, step 0")
    with pytest.raises(OSError, match="disk full"):
        lab.run(3)
    fail = False
    lab.reset()
    assert "disk full" not in lab.status
    lab.run(1)
    assert len(lab.history.steps) == 1


def with_missing(of: datasets.Splits, missing: slice, *names: str) -> datasets.Splits:
    """The same data; some training images have no label of these tasks."""
    targets = {name: of.train.targets[name].clone() for name in names}
    for target in targets.values():
        target[missing] = -100
    return of.with_train(of.train.with_targets(**targets))


def test_it_runs_where_the_first_images_have_no_label() -> None:
    lab = remember(make_lab(with_missing(small_data(), slice(0, 70), "left", "right")))
    lab.run(4)
    assert len(lab.history.steps) == 4
    assert "Gradient cosine of left and right" in lab.status  # measured on images that have labels
    first_of_one = remember(make_lab(with_missing(small_data(), slice(0, 70), "left")))
    first_of_one.run(4)
    assert list(first_of_one.pull.norms) == ["right"]


def test_a_batch_without_labels_pulls_nowhere() -> None:
    of = with_missing(small_data(), slice(0, 8), "left", "right")
    assert probe.measure_pull(factory(of)(0), of.train.batch(slice(0, 8)), of.tasks) == probe.Pull()


def test_measuring_leaves_a_part_that_is_frozen_in_evaluation_mode_there() -> None:
    of = small_data()
    model = factory(of)(0).train()
    model.encoder.conv1.eval()
    before = [module.training for module in model.modules()]
    assert probe.measure_pull(model, of.train.batch(slice(0, 8)), of.tasks).norms
    assert [module.training for module in model.modules()] == before


def test_an_error_while_measuring_stops_the_run_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        lab = remember(make_lab())
        monkeypatch.setattr("mtl_utils.lab.loss_weight_lab.measure_pull", lambda *_: 1 / 0)
        lab.play()
        await until(lambda: not lab.playing)
        assert lab.status.startswith("division by zero. Reset begins anew.\nStopped, step 4 of 40")
        assert lab.history.stopped == "stopped after step 4"

    live(test)
