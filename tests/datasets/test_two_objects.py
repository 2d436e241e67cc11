"""The MultiMNIST family: pixels against a literal 36×36 canvas, disjoint splits, sizes and memory."""

import numpy as np
import pytest
import torch
from PIL import Image

from mtl_utils import datasets, randomness
from mtl_utils.datasets import pools
from mtl_utils.datasets.sources import load_source

FAMILY = {
    datasets.multi_mnist: ("MNIST", "MNIST"),
    datasets.multi_fashion_mnist: ("FashionMNIST", "FashionMNIST"),
    datasets.fashion_and_mnist: ("FashionMNIST", "MNIST"),
}
every_member = pytest.mark.parametrize("make", FAMILY, ids=lambda make: make.__name__)


def literal_overlay(left, right):
    """Pixel by pixel, as the definition says, and reduced by the library that the paper's authors used."""
    canvas = [[0] * 36 for _ in range(36)]
    for row in range(28):
        for column in range(28):
            canvas[row][column] = left[row][column]
    for row in range(28):
        for column in range(28):
            canvas[row + 6][column + 6] = max(canvas[row + 6][column + 6], right[row][column])
    whole = Image.fromarray(np.array(canvas, dtype=np.uint8))
    return np.asarray(whole.resize((28, 28), Image.Resampling.NEAREST)).tolist()


def test_the_overlay_is_the_literal_one():
    generator = randomness.generator(0)
    objects = torch.randint(0, 256, (6, 28, 28), generator=generator, dtype=torch.uint8)
    objects[0], objects[1] = 255, 0
    left, right = torch.tensor([0, 1, 2, 3, 0]), torch.tensor([1, 0, 4, 5, 0])
    images = datasets.overlay(objects, objects, left, right)
    for image, one, two in zip(images[:, 0], left, right, strict=True):
        assert image.tolist() == literal_overlay(objects[one].tolist(), objects[two].tolist())


def test_real_images_of_both_sources_are_where_they_belong():
    clothes, digits = load_source("FashionMNIST", train=True), load_source("MNIST", train=True)
    made = datasets.fashion_and_mnist(4, 1, 1, seed=5)
    generator = randomness.generator(5)
    pool = pools.source_pools(generator)["train"]
    left, right = pools.draw(pool, 4, generator), pools.draw(pool, 4, generator)
    for number in range(4):
        expected = literal_overlay(clothes.images[left[number]].tolist(), digits.images[right[number]].tolist())
        assert made.train.images[number, 0].tolist() == expected
    assert made.train.targets["left"].tolist() == clothes.labels[left].tolist()
    assert made.train.targets["right"].tolist() == digits.labels[right].tolist()


def test_more_images_than_are_worked_on_at_a_time_are_the_same():
    objects = torch.randint(0, 256, (50, 28, 28), generator=randomness.generator(1), dtype=torch.uint8)
    index = torch.arange(5000) % 50
    assert torch.equal(
        datasets.overlay(objects, objects, index, index)[4950:], datasets.overlay(objects, objects, index[:50], index[:50])
    )


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_no_source_image_is_in_two_splits(seed):
    found = pools.source_pools(randomness.generator(seed))
    assert sorted(torch.cat([found["train"], found["val"]]).tolist()) == list(range(60_000))
    assert sorted(found["test"].tolist()) == list(range(10_000))


def test_no_source_comes_twice_before_all_have_come():
    pool = torch.tensor([3, 5, 8])
    drawn = pools.draw(pool, 8, randomness.generator(0))
    assert sorted(drawn[:3].tolist()) == sorted(drawn[3:6].tolist()) == [3, 5, 8]
    assert len(drawn) == 8


@every_member
def test_the_same_seed_gives_the_same_images_and_another_seed_others(make):
    first, again, other = make(50, 20, 20, seed=3), make(50, 20, 20, seed=3), make(50, 20, 20, seed=4)
    for part in ("train", "val", "test"):
        one, two = getattr(first, part), getattr(again, part)
        assert torch.equal(one.images, two.images)
        assert all(torch.equal(one.targets[name], two.targets[name]) for name in ("left", "right"))
        assert not torch.equal(one.images, getattr(other, part).images)


@every_member
def test_tasks_and_names(make):
    made = make(20, 10, 10)
    assert [task.name for task in made.tasks] == ["left", "right"]
    assert [task.class_names[0] for task in made.tasks] == [
        {"MNIST": "0", "FashionMNIST": "T-shirt"}[kind] for kind in FAMILY[make]
    ]
    assert made.image_shape == (1, 28, 28)
    assert [len(split) for split in (made.train, made.val, made.test)] == [20, 10, 10]


def test_the_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    datasets.multi_mnist(10, 10, 10)
    assert torch.equal(torch.get_rng_state(), before)


def test_sixty_thousand_images_stay_under_a_hundred_megabytes():
    made = datasets.multi_mnist(60_000, 1, 1)
    tensors = [made.train.images, *made.train.targets.values()]
    assert sum(tensor.untyped_storage().nbytes() for tensor in tensors) < 100e6
    assert len(made.train) == 60_000


@pytest.mark.parametrize(
    ("sizes", "part"), [((0, 1, 1), "train"), ((1, -2, 1), "val"), ((1, 1, 1.5), "test"), (("9", 1, 1), "train")]
)
def test_sizes_that_are_no_counts_are_told(sizes, part):
    with pytest.raises(ValueError, match=rf"MultiMNIST: the number of {part} images must be a whole number above zero"):
        datasets.multi_mnist(*sizes)


def test_a_seed_that_is_none_is_told():
    with pytest.raises(ValueError, match=r"a seed must be a whole number, not None"):
        datasets.multi_mnist(5, 5, 5, seed=None)
