"""The slider on the distance penalty, without a browser."""

import math

import pytest

from mtl_utils import datasets, models, penalties, training
from mtl_utils.lab.penalty_lab import PenaltyLab

PLACES = [0.0, 1.0, 10.0, math.inf]


@pytest.fixture(scope="module")
def images():
    return datasets.multi_mnist(96, 32, 32)


@pytest.fixture
def lab(images):
    made = PenaltyLab(
        lambda seed: models.twin_columns(models.lenet, images, seed=seed), images,
        penalty=penalties.DecoupledDistancePenalty(0.0, 2e-3), strengths=PLACES, steps=9, validate_every=3, batch_size=32,
    )  # fmt: skip
    yield made
    made.close()


def test_left_alone_it_trains_as_train_does(lab, images):
    lab.run(9)
    model = models.twin_columns(models.lenet, images)
    history = training.fit(model, images, steps=9, validate_every=3, batch_size=32, progress=False)
    assert [step.losses for step in lab.history.steps] == [step.losses for step in history.steps]
    assert "finished, step 9 of 9" in lab.status.lower()


def test_the_slider_acts_on_the_next_step_and_says_so(lab):
    lab.run(4)
    apart = sum(lab.model.distances().values())
    lab.slider.value = math.inf
    assert lab.penalty.strength == math.inf
    lab.run(1)
    assert sum(lab.model.distances().values()) < apart
    assert "λ = ∞" in lab.status
    assert "Distance between the columns: conv1" in lab.status


def test_the_picture_follows(lab):
    before = lab.picture
    lab.run(3)
    assert before.startswith(b"\x89PNG")
    assert lab.picture != before


def test_a_reset_begins_anew(lab):
    lab.run(3)
    first = lab.history.steps[0].losses
    lab.reset(seed=5)
    assert len(lab.history.steps) == 0
    assert sum(lab.model.distances().values()) == 0
    lab.run(1)
    assert lab.history.steps[0].losses != first


def test_each_distance_is_that_after_its_step_and_of_the_last_step_too(images):
    made = PenaltyLab(
        lambda seed: models.twin_columns(models.lenet, images, seed=seed), images,
        penalty=penalties.DistancePenalty(0.0), strengths=PLACES, steps=30, validate_every=3, batch_size=32,
    )  # fmt: skip
    made.run(30)
    model = models.twin_columns(models.lenet, images)
    expected = [model.distances()]
    for _ in training.train(model, images, steps=30, validate_every=3, batch_size=32, penalty=penalties.DistancePenalty(0.0)):
        expected.append(model.distances())
    distances, history = made.distances, made.history
    made.close()
    assert history.best_step < 30  # or there would be nothing to mix up
    assert distances == expected
    assert history.stopped == "finished"


def test_a_factory_that_fails_at_a_reset_is_shown_and_the_next_reset_tries_again(images):
    fail = []

    def make(seed):
        if fail == ["raise"]:
            raise OSError("disk full")
        return (models.hard_sharing if fail else models.twin_columns)(models.lenet, images, seed=seed)

    made = PenaltyLab(
        make, images, penalty=penalties.DistancePenalty(0.0), strengths=PLACES, steps=9, validate_every=3, batch_size=32
    )
    made.run(3)
    for fail[:], words in ((["raise"], "disk full"), (["hard"], "this slider ties twin columns")):
        made.reset()
        assert made.status.startswith(f"no new model: {words}")
        assert "Reset begins anew.\nStopped, step 0 of 9" in made.status
        assert "Distance" not in made.status
        assert made.distances == []
        with pytest.raises((OSError, ValueError), match=words):
            made.run(3)
    fail.clear()
    made.reset()
    assert made.status.startswith("Paused, step 0 of 9")
    made.run(3)
    assert len(made.distances) == 4
    made.close()


def test_misuse_is_refused_in_words(lab, images):
    with pytest.raises(ValueError, match="not one of the slider's places"):
        lab.strength = 3.0
    with pytest.raises(ValueError, match="strength 2 must be one of them"):
        PenaltyLab(lambda seed: None, images, penalty=penalties.DistancePenalty(2), strengths=PLACES)
    with pytest.raises(ValueError, match=r"ties twin columns.*gave a HardSharing"):
        PenaltyLab(
            lambda seed: models.hard_sharing(models.lenet, images),
            images,
            penalty=penalties.DistancePenalty(0),
            strengths=PLACES,
        )
    lab.close()
    with pytest.raises(RuntimeError, match="this lab was closed"):
        lab.run(1)


def test_a_reset_keeps_the_lines_of_the_run_before_and_of_no_other(lab):
    lab.reset()
    assert "the run before" not in lab.description  # there was none
    lab.run(6)
    lab.reset()
    kept = lab._picture._kept
    assert "the run before" in lab.description
    assert [list(line.get_xdata()) for line in kept[:2]] == [[3, 6], [3, 6]]
    assert list(kept[-1].get_ydata()) == [0.0] * 7  # the place of λ = 0 among the strengths
    lab.slider.value = math.inf
    lab.run(3)
    before = lab.picture
    lab.reset()
    assert lab.picture != before
    assert len(lab._picture._kept) == len(kept)
    assert list(lab._picture._kept[0].get_xdata()) == [3]
    assert lab._picture._kept[0].axes is lab._picture._axes[0]
    assert kept[0] not in lab._picture._axes[0].lines
