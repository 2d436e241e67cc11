"""Labs on conflicting gradients: their sliders act, their words say what is there, and bad input is told."""

import math

import pytest
import torch

from mtl_utils import models
from mtl_utils.balancing import two_tasks
from mtl_utils.lab import ArrowsLab, ConflictLab, ValleysLab
from mtl_utils.problems import follow


@pytest.fixture(scope="module")
def few_paths(tmp_path_factory):
    """A file as the study writes it, of a few steps."""
    import numpy as np

    methods = {"MGDA": two_tasks.two_task_mgda, "sum": two_tasks.weighted_sum()}
    methods |= {f"CAGrad c={c / 10}": two_tasks.two_task_cagrad(c / 10) for c in range(10)}
    methods |= {f"sum share={share / 10}": two_tasks.weighted_sum(share / 10) for share in range(1, 10)}
    paths = follow(methods, steps=20, every=10, learning_rate=0.1)
    file = tmp_path_factory.mktemp("paths") / "few.npz"
    found = {}
    for way in ("adam", "adam x10", "sgd"):
        found |= {f"{way} names": np.array(list(paths)), f"{way} steps": np.array([0, 10, 20])}
        found[f"{way} paths"] = torch.stack(list(paths.values())).numpy()
    np.savez_compressed(file, **found)
    return file


def test_arrows_follow_their_sliders():
    lab = ArrowsLab(angles=(90,), lengths=(1, 2))
    before = lab.picture
    torch.testing.assert_close(lab.updates()["sum"], torch.tensor([1.0, 2.0], dtype=torch.float64))
    lab.angles[0].value = 180
    assert lab.picture != before
    torch.testing.assert_close(lab.updates()["sum"], torch.tensor([-1.0, 0.0], dtype=torch.float64))
    assert "first and second -1.00" in lab.status
    assert "sum (first)" in lab.status
    assert "No update at all (no direction serves all tasks): PCGrad, UPGrad" in lab.status
    lab.close()


def test_the_lab_s_updates_are_the_closed_forms():
    lab = ArrowsLab(angles=(135,), lengths=(1, math.sqrt(2)), c=0.4)
    g = lab.gradients
    closed = {
        "PCGrad": two_tasks.two_task_pcgrad, "MGDA": two_tasks.two_task_mgda, "Nash-MTL": two_tasks.two_task_nash(),
        "CAGrad": two_tasks.two_task_cagrad(0.4), "IMTL-G": two_tasks.two_task_imtl_g,
    }  # fmt: skip
    for name, weights in closed.items():
        torch.testing.assert_close(lab.updates()[name], weights(two_tasks.gramian(*g)) @ g, atol=2e-3, rtol=1e-2)
    lab.c.value = 0
    torch.testing.assert_close(lab.updates()["CAGrad"], g.mean(0))
    lab.close()


def test_arrows_of_length_zero_are_drawn_too():
    lab = ArrowsLab(angles=(75, 150), lengths=(1, 1.5, 0.8))
    for slider in lab.lengths:
        slider.value = 0
    assert not torch.stack(list(lab.updates().values())).any()
    assert lab.picture
    lab.close()


def test_paths_follow_their_sliders(few_paths):
    lab = ValleysLab(few_paths)
    at_the_end = lab.picture
    lab.step.value = 0
    assert lab.picture != at_the_end
    assert "After 0 updates" in lab.status
    lab.step.value = 7  # between the updates that the study kept: the nearest one
    assert "After 10 updates" in lab.status
    lab.step.value = 0
    assert lab.arrived() == {"weighted sum, 0.5 : 0.5": 0, "CAGrad, c = 0.5": 0, "MGDA": 0}
    lab.step.value, lab.share.value, lab.c.value, lab.method.value = 20, 0.9, 0.0, "sum"
    assert list(lab.arrived()) == ["weighted sum, 0.9 : 0.1", "CAGrad, c = 0.0", "sum"]
    torch.testing.assert_close(lab._chosen()["CAGrad, c = 0.0"][0], lab._paths["sum"], atol=1e-5, rtol=0)
    lab.close()


def test_the_conflict_meter_measures_as_it_trains(two_digits, encoder):
    lab = ConflictLab(
        lambda seed: models.hard_sharing(encoder, two_digits, seed=seed), two_digits.train, steps=6, every=2, batch_size=32
    )
    assert "none measured yet" in lab.status
    lab.run(4)
    assert [step for step, _ in lab.measured] == [2, 4]
    cosines = lab.cosines()
    assert set(cosines) == {"two tasks, one batch", "two tasks, two batches", "one task, two batches"}
    assert all(-1 <= value <= 1 for values in cosines.values() for value in values)
    assert "Below zero: two tasks, one batch" in lab.status
    lab.slider.value = 1.0
    assert lab.history.steps[-1].weights == {"left": 0.5, "right": 0.5}
    lab.step()
    assert lab.history.steps[-1].weights == {"left": 1.0, "right": 0.0}
    lab.reset()
    assert lab.measured == []
    lab.run(4)
    first_run, second_run = cosines, lab.cosines()
    assert first_run["two tasks, one batch"] != second_run["two tasks, one batch"]  # the weights moved
    lab.close()


def test_the_same_seed_gives_the_same_measurements(two_digits, encoder):
    def cosines():
        lab = ConflictLab(
            lambda seed: models.hard_sharing(encoder, two_digits, seed=seed), two_digits.train, steps=4, every=2, batch_size=32
        )
        lab.run(4)
        found = lab.cosines()
        lab.close()
        return found

    assert cosines() == cosines()


def test_bad_input_is_told(two_digits, digits, encoder, tmp_path, few_paths):
    def make(seed):
        return models.hard_sharing(encoder, two_digits, seed=seed)

    with pytest.raises(ValueError, match=r"two or three lengths are asked for, and an angle less, not 4 and 1"):
        ArrowsLab(lengths=(1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"there is no file .*none.npz: run `python studies/two_valleys.py`"):
        ValleysLab(tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"the study has no method 'SGD'; it has MGDA, sum"):
        ValleysLab(few_paths, method="SGD")
    with pytest.raises(ValueError, match=r"compares two tasks; the split has \['digit', 'even', 'large', 'loop', 'random'\]"):
        ConflictLab(make, digits.train)
    with pytest.raises(ValueError, match="two batches of 256 images are compared, and the split has only 320"):
        ConflictLab(make, two_digits.train, batch_size=256)
    with pytest.raises(ValueError, match="the weight of the first task must be from 0 to 1, not 2"):
        ConflictLab(make, two_digits.train, share=2, batch_size=32)
