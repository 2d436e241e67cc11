"""Augmentation moves boxes, values and points with their pixels; what leaves the image is dropped, and said."""

from __future__ import annotations

import pytest
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from mtl_utils import models, training
from mtl_utils.datasets import (
    Boxes,
    MultiTaskDataset,
    Normalization,
    Splits,
    box_targets,
    boxes_in_targets,
    detection,
    placed_digits,
)
from mtl_utils.datasets.folders import Augmentation
from mtl_utils.tasks import classification, grid_regression, pixel_classification, pixel_regression, regression

HEIGHT, WIDTH = 30, 42  # the stride of 4 divides neither
TASK = detection("objects", ["red", "green"])
# x0, y0, x1, y1, class
PLACES = [[(4, 3, 14, 12, 0), (20, 10, 38, 28, 1)], [], [(0, 0, 10, 8, 1)], None]


def made():
    """Black pictures with rectangles of pure color; depth is 2 there; an unlabelled last one."""
    images = torch.zeros(len(PLACES), 3, HEIGHT, WIDTH, dtype=torch.uint8)
    depth = torch.full((len(PLACES), 1, HEIGHT, WIDTH), float("nan"))
    boxes = []
    for number, rows in enumerate(PLACES):
        for x0, y0, x1, y1, cls in rows or []:
            images[number, cls, y0:y1, x0:x1] = 255
            depth[number, 0, y0:y1, x0:x1] = 2.0 + number
        boxes.append(None if rows is None else as_boxes(rows))
    point = torch.tensor([[3.0, 4.0], [0.0, 0.0], [float("nan"), float("nan")], [29.5, 41.5]])  # row and column
    tasks = [TASK, pixel_regression("depth"), regression("corner", 2), regression("light"), classification("n", 4)]
    targets = {
        "objects": box_targets(TASK, boxes, (HEIGHT, WIDTH)),
        "depth": depth,
        "corner": point,
        "light": torch.ones(4, 1),
        "n": torch.arange(4),
    }
    return MultiTaskDataset(images, targets, tasks, normalization=Normalization((0.0,) * 3, (1.0,) * 3))


def as_boxes(rows):
    return Boxes(torch.tensor([row[:4] for row in rows]).float().view(-1, 4), torch.tensor([row[4] for row in rows]).long())


def changed(transform, *, per_image=True, **arguments):
    """Images, targets and the augmentation, after one pass, in the order of the images."""
    augmentation = Augmentation(transform, per_image=per_image, points={"corner": "yx"}, **arguments)
    (batch,) = made().with_augmentation(augmentation).batches(4, shuffle=torch.Generator().manual_seed(0))
    order = batch[1]["n"].argsort()
    return (batch[0][order] * 255).round().byte(), {name: target[order] for name, target in batch[1].items()}, augmentation


def rows_of(target):
    found = []
    for boxes in boxes_in_targets(TASK, target):
        if boxes is None:
            found.append(None)
            continue
        rows = zip(boxes.corners.tolist(), boxes.classes.tolist(), strict=True)
        found.append(sorted((*(round(value, 3) for value in corners), cls) for corners, cls in rows))
    return found


def extent(image, channel):
    """x0, y0, x1, y1 of what is colored."""
    rows, columns = torch.nonzero(image[channel] > 127, as_tuple=True)
    return (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


@pytest.mark.parametrize("per_image", [True, False])
def test_a_flip_by_value(per_image):
    images, targets, augmentation = changed(v2.RandomHorizontalFlip(1.0), per_image=per_image)
    whole = made()
    assert torch.equal(images, whole.images.flip(-1))
    assert rows_of(targets["objects"]) == [[(4, 10, 22, 28, 1), (28, 3, 38, 12, 0)], [], [(32, 0, 42, 8, 1)], None]
    assert torch.equal(targets["depth"].nan_to_num(-1), whole.targets["depth"].flip(-1).nan_to_num(-1))
    assert targets["corner"][[0, 1, 3]].tolist() == [[3, 38], [0, 42], [29.5, 0.5]]
    assert torch.isnan(targets["corner"][2]).all()
    assert (targets["light"] == 1).all()
    assert (augmentation.boxes, augmentation.dropped) == (3, 0)


@pytest.mark.parametrize("per_image", [True, False])
def test_a_shift_by_value_drops_what_leaves_and_says_so(per_image):
    class Shift(v2.Transform):
        def transform(self, inpt, params):
            return self._call_kernel(v2.functional.affine, inpt, angle=0.0, translate=[-12, -4], scale=1.0, shear=[0.0, 0.0])

    images, targets, augmentation = changed(Shift(), per_image=per_image)
    # Of the first box 2 of 10 columns and 8 of 9 rows are left: less than a quarter. Nothing is left of the last one.
    assert rows_of(targets["objects"]) == [[(8, 6, 26, 24, 1)], [], [], None]
    assert extent(images[0], 1) == (8, 6, 26, 24)
    assert (augmentation.boxes, augmentation.dropped) == (3, 2)
    assert "2 of 3 boxes dropped so far" in repr(augmentation)
    assert targets["depth"][0, 0, 6:24, 8:26].eq(2).all() and torch.isnan(targets["depth"][0, 0, :, 30:]).all()
    assert torch.isnan(targets["corner"][[0, 1, 2]]).all()  # they have left the image
    assert targets["corner"][3].tolist() == [25.5, 29.5]


def test_a_smaller_share_may_be_asked_for():
    class Shift(v2.Transform):
        def transform(self, inpt, params):
            return self._call_kernel(v2.functional.affine, inpt, angle=0.0, translate=[-12, -4], scale=1.0, shear=[0.0, 0.0])

    images, targets, _ = changed(Shift(), seen=0.1)
    assert rows_of(targets["objects"])[0] == [(0, 0, 2, 8, 0), (8, 6, 26, 24, 1)]
    assert extent(images[0], 0) == (0, 0, 2, 8)


@pytest.mark.parametrize("seed", range(8))
def test_a_random_crop_moves_boxes_with_their_pixels(seed):
    crop = v2.RandomResizedCrop((HEIGHT, WIDTH), scale=(0.3, 1.0), antialias=True)
    augmentation = Augmentation(crop, seen=0.05)
    (batch,) = (
        made().for_tasks("objects", "n").with_augmentation(augmentation).batches(4, shuffle=torch.Generator().manual_seed(seed))
    )
    order = batch[1]["n"].argsort()
    images = (batch[0][order] * 255).round().byte()
    for image, rows in zip(images, rows_of(batch[1]["objects"][order]), strict=True):
        for *corners, cls in rows or []:
            assert corners == pytest.approx(extent(image, cls), abs=1.01)


def test_a_turned_box_is_the_upright_one_around_it():
    class Turn(v2.Transform):
        def transform(self, inpt, params):
            return self._call_kernel(v2.functional.rotate, inpt, angle=30.0)

    images, targets, _ = changed(Turn())
    for *corners, cls in rows_of(targets["objects"])[0]:
        assert corners == pytest.approx(extent(images[0], cls), abs=2.01)


def test_many_transforms_in_a_row_and_the_same_seed_gives_the_same():
    several = v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(15, translate=(0.2, 0.2), scale=(0.8, 1.2)),
            v2.ColorJitter(0.3),
            v2.RandomPerspective(0.2),
        ]
    )
    first, second = changed(several), changed(several)
    assert torch.equal(first[0], second[0])
    for name in ("objects", "depth", "corner"):
        assert torch.equal(first[1][name].nan_to_num(-1), second[1][name].nan_to_num(-1))
        split = made()
        split.task(name).check_targets(first[1][name], count=4, image_size=(HEIGHT, WIDTH), whole_split=False)


def test_points_of_placed_digits_flip():
    digits = placed_digits(50, 10, 10)
    flip = Augmentation(v2.RandomHorizontalFlip(1.0), points={"position": "yx"})
    (batch,) = digits.train.with_augmentation(flip).batches(50, shuffle=torch.Generator().manual_seed(0))
    pixels = batch[0][:, 0]
    ink = pixels > pixels.min()
    for image, position in zip(ink, batch[1]["position"], strict=True):
        rows, columns = torch.nonzero(image, as_tuple=True)
        middle = [(int(rows.min()) + int(rows.max()) + 1) / 2, (int(columns.min()) + int(columns.max()) + 1) / 2]
        assert position.tolist() == middle


def test_a_detector_trains_on_augmented_boxes():
    split = made().for_tasks("objects").subset([0, 1, 2])
    shaken = split.with_augmentation(
        Augmentation(v2.Compose([v2.RandomHorizontalFlip(), v2.RandomAffine(0, translate=(0.1, 0.1))]))
    )
    model = models.scene_network(split, channels=(8, 16), width=8, hidden=8)
    splits = Splits("boxes", shaken, split, split)

    def loss():
        return TASK.loss(model.eval()(split.batch(slice(0, 3))[0])["objects"], split.targets["objects"]).item()

    before = loss()
    training.fit(model, splits, epochs=40, batch_size=3, optimizer=training.adam(1e-2), progress=False)
    assert loss() < 0.95 * before


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (v2.SanitizeBoundingBoxes(min_size=15), "SanitizeBoundingBoxes|no mask may be removed"),
        (v2.RandomAffine(0, translate=(0.5, 0.5), fill=200), "'others': 0"),
    ],
)
def test_transforms_that_would_spoil_the_labels(transform, words):
    split = made()
    with pytest.raises(ValueError, match=words):
        for seed in range(3):
            list(split.with_augmentation(Augmentation(transform)).batches(4, shuffle=torch.Generator().manual_seed(seed)))


def test_a_fill_for_the_picture_alone_is_fine():
    masks = MultiTaskDataset(
        torch.full((4, 3, 8, 8), 9, dtype=torch.uint8), {"m": torch.ones(4, 8, 8).long()}, [pixel_classification("m", 2)]
    )
    turned = Augmentation(v2.RandomAffine(40, fill={tv_tensors.Image: 200, "others": 0}))
    (batch,) = masks.with_augmentation(turned).batches(4, shuffle=torch.Generator().manual_seed(0))
    assert set(batch[1]["m"].unique().tolist()) == {-100, 1}


def test_what_cannot_be_moved_is_refused():
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)

    def batches(task, target, **arguments):
        split = MultiTaskDataset(images, {task.name: target}, [task]).with_augmentation(
            Augmentation(v2.RandomHorizontalFlip(), **arguments)
        )
        return list(split.batches(2, shuffle=torch.Generator().manual_seed(0)))

    with pytest.raises(ValueError, match="task 'motion': an augmentation cannot move the targets of a grid regression"):
        batches(grid_regression("motion", 2), torch.zeros(2, 2, 2, 2))
    with pytest.raises(ValueError, match="task 'normals': an augmentation cannot move several values per pixel"):
        batches(pixel_regression("normals", 3), torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="task 'a' is no point"):
        batches(regression("a", 3), torch.zeros(2, 3), points={"a": "xy"})
    with pytest.raises(ValueError, match="must be 'xy' or 'yx'"):
        Augmentation(v2.RandomHorizontalFlip(), points={"a": "rows"})
    with pytest.raises(ValueError, match="RandomIoUCrop moves no points"):
        Augmentation(v2.Compose([v2.RandomIoUCrop()]), points={"a": "xy"})
    with pytest.raises(ValueError, match="seen= is a share"):
        Augmentation(v2.RandomHorizontalFlip(), seen=2)
