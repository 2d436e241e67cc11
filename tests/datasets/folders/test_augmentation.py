"""Augmentation moves masks with their pictures, by its own chance, in training batches alone."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import v2

from mtl_utils.datasets import MultiTaskDataset
from mtl_utils.datasets.folders import Augmentation
from mtl_utils.tasks import classification, grid_regression, pixel_classification


@pytest.fixture
def split():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(1, 256, (12, 3, 10, 10), dtype=torch.uint8, generator=generator)
    mask = (images[:, 0] > 100).long()
    mask[3] = -100
    tasks = [classification("a", 12), pixel_classification("bright", 2)]
    return MultiTaskDataset(images, {"a": torch.arange(12), "bright": mask}, tasks)


def shuffled(split, seed=0, **arguments):
    return list(split.batches(4, shuffle=torch.Generator().manual_seed(seed), **arguments))


def restored(images, split):
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in split.normalization)
    return ((images * std + mean) * 255).round().byte()


@pytest.mark.parametrize("per_image", [True, False])
def test_masks_move_with_their_pictures(split, per_image):
    turned = Augmentation(
        v2.Compose([v2.RandomHorizontalFlip(), v2.RandomAffine(0, translate=(0.3, 0.3))]), per_image=per_image
    )
    flips = 0
    for images, targets in shuffled(split.with_augmentation(turned)):
        for image, number, mask in zip(restored(images, split), targets["a"], targets["bright"], strict=True):
            flips += not torch.equal(image, split.images[number])
            if number == 3:
                assert (mask == -100).all()
                continue
            inside = image.amax(0) > 0  # what a shift uncovers is black, and has no class
            assert torch.equal(mask[inside], (image[0][inside] > 100).long())
            assert (mask[~inside] == -100).all()
    assert flips >= 4


def test_only_shuffled_batches_change(split):
    changed = split.with_augmentation(Augmentation(v2.RandomHorizontalFlip(1.0)))
    for (images, _), (others, _) in zip(changed.batches(5), split.batches(5), strict=True):
        assert torch.equal(images, others)
    (images, targets), *_ = shuffled(changed)
    assert torch.equal(restored(images, split), split.images[targets["a"]].flip(-1))
    assert torch.equal(targets["bright"], split.targets["bright"][targets["a"]].flip(-1))


def test_the_same_seed_gives_the_same_and_nothing_global_moves(split):
    changed = split.with_augmentation(Augmentation(v2.RandomAffine(30)))
    before = torch.get_rng_state()
    first, second, third = shuffled(changed), shuffled(changed), shuffled(changed, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, second, strict=True))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(first, third, strict=True))


def test_augmentation_stays_with_the_split(split):
    changed = split.with_augmentation(Augmentation(v2.RandomHorizontalFlip()))
    for other in (changed.subset([0, 1]), changed.for_tasks("a"), changed.with_any_label()):
        assert other.augment is changed.augment
    assert changed.with_augmentation(None).augment is None


@pytest.mark.parametrize(
    ("transform", "words"),
    [(v2.Resize(5), "must keep uint8 images"), (v2.ToDtype(torch.float32, scale=True), "must keep uint8 images")],
)
def test_what_changes_size_or_type_is_refused(split, transform, words):
    with pytest.raises(ValueError, match=words):
        shuffled(split.with_augmentation(Augmentation(transform)))


def test_what_cannot_be_moved_is_refused(split):
    motion = split.with_task(grid_regression("motion", 2), torch.zeros(12, 2, 3, 3))
    with pytest.raises(ValueError, match="task 'motion': an augmentation cannot move"):
        shuffled(motion.with_augmentation(Augmentation(v2.RandomHorizontalFlip())))
    with pytest.raises(ValueError, match="takes a transform"):
        Augmentation("flip")
