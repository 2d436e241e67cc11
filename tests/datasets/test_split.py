"""Splits: batches are exact slices, normalized; misfits are told in words."""

import pytest
import torch
from torch.utils.data import DataLoader

from mtl_utils import randomness
from mtl_utils.datasets import MultiTaskDataset, Normalization, Splits
from mtl_utils.tasks import MISSING_CLASS, classification, regression

TASKS = [classification("a", 3), regression("b", 2)]
IMAGES = torch.arange(10 * 2 * 3 * 4, dtype=torch.uint8).view(10, 2, 3, 4)
A, B = torch.arange(10) % 3, torch.arange(20.0).view(10, 2)


def split(images=IMAGES, a=A, b=B, tasks=TASKS, **more):
    return MultiTaskDataset(images, {"a": a, "b": b}, tasks, **more)


def numbers(batches):
    """Which images came, told by their targets."""
    return [[int(row[0]) // 2 for row in targets["b"]] for _, targets in batches]


def test_batches_in_order_are_all_images_once():
    assert numbers(split().batches(4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert numbers(split().batches(100)) == [list(range(10))]


def test_shuffled_batches_leave_out_an_incomplete_last_one_unless_it_is_the_only_one():
    batches = numbers(split().batches(4, shuffle=randomness.generator(0)))
    assert [len(batch) for batch in batches] == [4, 4]
    assert len({number for batch in batches for number in batch}) == 8
    assert sorted(numbers(split().batches(100, shuffle=randomness.generator(0)))[0]) == list(range(10))


def test_the_same_seed_gives_the_same_order_and_the_next_epoch_another():
    generator = randomness.generator(3)
    first, second = numbers(split().batches(5, shuffle=generator)), numbers(split().batches(5, shuffle=generator))
    assert first == numbers(split().batches(5, shuffle=randomness.generator(3)))
    assert first != second


def test_images_are_normalized_channel_by_channel():
    images, _ = next(split().batches(10))
    pixels = IMAGES.double() / 255
    for channel in range(2):
        expected = (pixels[:, channel] - pixels[:, channel].mean()) / pixels[:, channel].std(correction=0)
        torch.testing.assert_close(images[:, channel].double(), expected, atol=1e-5, rtol=1e-5)
    assert images.dtype == torch.float32


def test_a_constant_channel_does_no_harm():
    images, _ = next(split(torch.full((10, 1, 3, 4), 7, dtype=torch.uint8)).batches(10))
    torch.testing.assert_close(images, torch.zeros(10, 1, 3, 4), atol=1e-4, rtol=0)


@pytest.mark.parametrize("class_type", [torch.int8, torch.int16, torch.int32, torch.int64])
@pytest.mark.parametrize("real_type", [torch.float16, torch.float32, torch.float64])
def test_targets_of_any_type_come_as_int64_and_float32(class_type, real_type):
    _, targets = next(split(a=A.to(class_type), b=B.to(real_type)).batches(10))
    assert (targets["a"].dtype, targets["b"].dtype) == (torch.int64, torch.float32)
    assert torch.equal(targets["a"], A)
    assert torch.equal(targets["b"], B)


def test_reading_changes_nothing():
    one = split(IMAGES.clone())
    for images, targets in one.batches(4):
        images.zero_()
        targets["a"].fill_(2)
    assert torch.equal(one.images, IMAGES)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_data_loader_gives_the_same_batches(workers):
    one = split()
    for (images, targets), (expected, expected_targets) in zip(
        DataLoader(one, batch_size=4, num_workers=workers), one.batches(4), strict=True
    ):
        torch.testing.assert_close(images, expected)
        assert all(torch.equal(targets[name], expected_targets[name]) for name in ("a", "b"))


def test_a_single_image_is_an_ordinary_sample():
    image, targets = split()[-1]
    assert image.shape == (2, 3, 4)
    assert targets["b"].tolist() == [18.0, 19.0]
    assert len(list(split())) == 10
    with pytest.raises(IndexError):
        split()[10]


@pytest.mark.parametrize("indices", [[1, 5], torch.tensor([1, 5]), slice(1, 6, 4), (torch.arange(10) % 4) == 1])
def test_a_subset_keeps_targets_and_normalization(indices):
    one, part = split(), split().subset(indices)
    assert part.targets["b"][:2, 0].tolist() == [2.0, 10.0]
    assert part.normalization == one.normalization
    torch.testing.assert_close(part[0][0], one[1][0])


def test_images_without_any_label_are_left_out():
    some, b = A.clone(), B.clone()
    some[[0, 1, 2]] = MISSING_CLASS
    b[[0, 1, 5]] = float("nan")
    b[2, 0] = float("nan")
    assert len(split(a=some, b=b).with_any_label()) == 8
    whole = split()
    assert whole.with_any_label() is whole


def test_other_views_do_not_copy_the_images():
    one = split()
    views = [
        one.for_tasks("b"),
        one.with_targets(a=(A + 1) % 3),
        one.with_task(classification("c", 2), A % 2),
        one.with_normalization(Normalization((0.0, 0.0), (1.0, 1.0))),
    ]
    assert all(view.images.data_ptr() == one.images.data_ptr() for view in views)
    assert list(views[0].targets) == ["b"]
    assert one.for_tasks("b", "a").tasks == (TASKS[1], TASKS[0])
    torch.testing.assert_close(next(views[3].batches(10))[0], IMAGES / 255)
    assert repr(views[2]) == "MultiTaskDataset(10 images of 2×3×4, tasks: a, b, c)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": IMAGES.float()}, r"images must be a uint8 tensor \[N, C, H, W\], not torch.float32"),
        ({"images": IMAGES[:, 0]}, r"images must be a uint8 tensor \[N, C, H, W\], not torch.uint8 \(10, 3, 4\)"),
        ({"images": IMAGES.numpy()}, "images must be a uint8 tensor .* not ndarray"),
        ({"images": IMAGES[:0]}, "at least one image"),
        ({"images": torch.zeros(10, 1, 0, 4, dtype=torch.uint8)}, r"height and width above zero, not \(1, 0, 4\)"),
        ({"a": A[:9]}, r"task 'a' \(classification\): targets must have shape \(10,\), not \(9,\)"),
        ({"a": A + 1}, "class label 3 is out of range"),
        ({"tasks": TASKS[:1]}, "targets for 'b', but no task of that name"),
        ({"tasks": [*TASKS, regression("c")]}, "no targets for task 'c'"),
        ({"normalization": Normalization((0.5,), (0.5,))}, "for each of 2 channels"),
        ({"normalization": Normalization((0.5, 0.5), (0.5, 0.0))}, "standard deviation above zero"),
        ({"normalization": Normalization((0.5, 0.5), (0.5, float("nan")))}, "standard deviation above zero"),
    ],
)
def test_what_does_not_fit_is_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(**arguments)


def test_wrong_questions_to_a_split_are_told():
    for size in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match=r"batch size must be a whole number above zero"):
            next(split().batches(size))
    with pytest.raises(ValueError, match=r"this split has no task 'c'; its tasks are \['a', 'b'\]"):
        split().for_tasks("a", "c")
    with pytest.raises(ValueError, match=r"at least one image"):
        split().subset([])
    with pytest.raises(ValueError, match=r"two tasks are called 'a'"):
        split().with_task(TASKS[0], A)


def test_all_splits_are_normalized_as_the_training_images_are():
    one, dark = split(), split(IMAGES // 2)
    data = Splits("x", one, dark, dark)
    assert data.val.normalization == data.test.normalization == one.normalization != dark.normalization
    assert data.for_tasks("b").val.normalization == one.normalization
    assert data.image_shape == (2, 3, 4)
    assert "10 / 10 / 10 images" in repr(data)


def test_splits_that_do_not_belong_together_are_told():
    with pytest.raises(ValueError, match=r"x: the test split has tasks \['b'\], the training split \['a', 'b'\]"):
        Splits("x", split(), split(), split().for_tasks("b"))
    with pytest.raises(ValueError, match=r"x: val images are .* training images"):
        Splits("x", split(), split(IMAGES.view(10, 2, 4, 3)), split())


@pytest.mark.parametrize("chosen", [slice(0, 4), torch.arange(4)])
def test_changing_a_batch_does_not_change_the_split(every_kind, chosen):
    before = {name: target.clone() for name, target in every_kind.targets.items()}
    images, targets = every_kind.batch(chosen)
    images.zero_()
    for target in targets.values():
        target.zero_()
    for name, target in every_kind.targets.items():
        torch.testing.assert_close(target, before[name])
    assert every_kind.images.any()
