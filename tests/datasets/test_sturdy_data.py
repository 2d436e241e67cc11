"""Data that would hang, fill the memory, or be nonsense in silence."""

import os

import numpy as np
import pytest
import torch

from mtl_utils import datasets, models
from mtl_utils.datasets import DataFileError, boxes_of, load_source, place, with_few_labels, with_label_noise
from mtl_utils.measures import hypervolume
from mtl_utils.models.pareto_manifold import checked_preference


def test_more_images_than_any_memory_holds_are_refused_at_once():
    with pytest.raises(ValueError, match="MultiMNIST: 1,000,000,000,000,000 train images are more than 10,000,000"):
        datasets.multi_mnist(10**15, 10, 10)


@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_a_pipe_or_an_endless_device_in_the_data_folder_is_told(kind, tmp_path):
    archive = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    archive.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(archive)
    else:
        archive.symlink_to("/dev/zero")
    with pytest.raises(DataFileError, match="is not a regular file"):
        load_source("MNIST", train=False, folder=tmp_path)


def test_a_place_outside_the_frame_is_told():
    digit = torch.zeros(1, 28, 28, dtype=torch.uint8)
    digit[0, 3:9, 3:9] = 9
    for where in (
        torch.tensor([[1.2, 0.0]]),
        torch.tensor([[-0.1, 0.5]]),
        torch.tensor([[float("nan"), 0.5]]),
        torch.zeros(1, 3),
    ):
        with pytest.raises(ValueError, match=r"`where` must be \[1, 2\] numbers from 0 to 1"):
            place(digit, where)


def test_masks_of_real_numbers_have_no_boxes():
    with pytest.raises(ValueError, match=r"masks must be boolean, not torch.float32; masks > 0.5"):
        boxes_of(torch.rand(2, 8, 8))


def test_a_whole_data_set_where_a_split_is_wanted_is_told(two_digits):
    for call in (lambda: with_few_labels(two_digits, "left", 3), lambda: with_label_noise(two_digits, "left", 0.1)):
        with pytest.raises(ValueError, match=r"one split is needed, such as data.train, not a Splits"):
            call()


def test_several_images_are_asked_for_in_words(two_digits):
    with pytest.raises(ValueError, match=r"gives one image and takes its number, not slice\(0, 3, None\); split.batch"):
        two_digits.train[0:3]


def test_whole_numbers_of_numpys_are_whole_numbers(two_digits):
    made = datasets.multi_mnist(np.int64(10), 10, 10, seed=np.int64(3))
    assert torch.equal(made.train.images, datasets.multi_mnist(10, 10, 10, seed=3).train.images)
    assert len(with_few_labels(two_digits.train, "left", np.int64(3))) == len(two_digits.train)


def test_a_name_in_the_place_of_an_encoder_is_told(two_digits):
    with pytest.raises(ValueError, match=r"a function that makes an encoder, such as models.lenet, not 'lenet'"):
        models.hard_sharing("lenet", two_digits)


def test_a_preference_that_cannot_be_added_is_told(two_digits):
    model = models.pareto_manifold(lambda seed: models.hard_sharing(models.lenet, two_digits, seed=seed))
    with pytest.raises(ValueError, match="preferences are too large to be added"):
        checked_preference({"left": 1e308, "right": 1e308}, model.task_names)


def test_the_hypervolume_of_many_tasks_is_that_of_many_random_points():
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(25, 5, generator=generator, dtype=torch.float64)
    chance = torch.rand(200_000, 5, generator=generator, dtype=torch.float64)
    inside = torch.zeros(len(chance), dtype=torch.bool)
    for point in points:
        inside |= (chance <= point).all(1)
    assert hypervolume(points, [0.0] * 5) == pytest.approx(float(inside.double().mean()), abs=0.005)
