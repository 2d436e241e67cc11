"""Targets on a grid: what is encoded can be decoded, losses by hand, and videos that are labelled in part."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils import datasets, evaluate, models, training
from mtl_utils.datasets import Detection, MovingScenes, Scenes, detection, moving_scenes
from mtl_utils.datasets.moving_scenes import centers_of, detection_targets, tracking_targets
from mtl_utils.datasets.moving_scenes.average_precision import AveragePrecision
from mtl_utils.datasets.moving_scenes.boxes import decode
from mtl_utils.datasets.moving_scenes.peaks import gaussian_radius
from mtl_utils.datasets.moving_scenes.targets import SEEN, lost_objects
from mtl_utils.datasets.moving_scenes.tasks import focal_loss
from mtl_utils.tasks import classification

NAN = float("nan")


@pytest.fixture(scope="module")
def scenes() -> MovingScenes:
    return moving_scenes(6, 3, 3, source="MNIST", frames=4, size=64)


def one_object(boxes: list[list[float]], classes: list[int], depths: list[float], size: tuple[int, int] = (16, 16)) -> Scenes:
    """One video of one frame with these boxes, all of them visible."""
    count = len(boxes)
    return Scenes(
        videos=torch.zeros(1, 1, 3, *size, dtype=torch.uint8),
        instances=torch.zeros(1, 1, *size, dtype=torch.uint8),
        boxes=torch.tensor(boxes).view(1, 1, count, 4),
        visibility=torch.ones(1, 1, count),
        classes=torch.tensor(classes).view(1, 1, count),
        tracks=torch.arange(count).view(1, 1, count),
        centres=torch.zeros(1, 1, count, 2),
        depths=torch.tensor(depths).view(1, 1, count),
        displacements=torch.full((1, 1, count, 2), 1.5),
        sources=torch.zeros(1, count, dtype=torch.int64),
        class_names=("a", "b"),
    )


def rows(boxes: torch.Tensor, classes: torch.Tensor) -> list[tuple[float, ...]]:
    return sorted((int(c), *(round(v, 3) for v in box.tolist())) for box, c in zip(boxes, classes, strict=True))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([32, 50, 64, 71]),
    most=st.integers(1, 6),
    same_class=st.booleans(),
)
def test_decoding_inverts_encoding(seed: int, size: int, most: int, same_class: bool) -> None:
    made = moving_scenes(
        2, 1, 1, source="MNIST", frames=3, size=size, objects=(1, most), same_class=same_class, speed=(0.0, 0.2), seed=seed
    ).train
    targets = detection_targets(made)
    heat, box_size, offset = detection("detection", made.class_names).split(targets)
    found = decode(heat, box_size, offset, threshold=1.0)
    centers = centers_of(made)
    counts = (made.visibility >= SEEN) & (made.classes >= 0)
    for frame, each in enumerate(found):
        here = counts[frame // 3, frame % 3]
        boxes, classes = made.boxes[frame // 3, frame % 3, here], made.classes[frame // 3, frame % 3, here]
        cells = centers.cell[centers.frame == frame].tolist()
        if len({tuple(cell) for cell in cells}) == len(cells):  # no two centers in one cell
            assert rows(each.boxes, each.classes) == rows(boxes, classes)
        else:
            assert len(each.boxes) <= len(boxes)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_displacement_stands_at_the_centers_and_nowhere_else(seed: int) -> None:
    made = moving_scenes(2, 1, 1, source="MNIST", frames=3, size=48, seed=seed).train
    target = tracking_targets(made)
    centers = centers_of(made)
    assert target.view(2, 3, 2, 12, 12)[:, 0].isnan().all()  # nothing has moved before a first frame
    there = ~target.isnan().all(1)
    later = centers.frame % 3 > 0
    assert int(there.sum()) == len(torch.cat([centers.frame[later, None], centers.cell[later]], 1).unique(dim=0))
    last = {
        (f, y, x): k for f, (y, x), k in zip(centers.frame.tolist(), centers.cell.tolist(), centers.place.tolist(), strict=True)
    }
    for (frame, y, x), place in last.items():
        if frame % 3:
            assert torch.equal(target[frame, :, y, x], made.displacements[frame // 3, frame % 3, place])


def test_a_target_by_hand() -> None:
    # The box from (4, 2) to (9, 8) has its center at (6.5, 5): in cells of four pixels (1.625, 1.25), so column 1, row 1.
    target = detection_targets(one_object([[4.0, 2.0, 9.0, 8.0]], [1], [1.0]))
    assert target.shape == (1, 6, 4, 4)
    assert target[0, 0].eq(0).all()  # nothing of class a
    # Radius 1 and σ = 1/2: exp(−2) beside the center, exp(−4) at its corners, nothing beyond.
    near, corner = math.exp(-2), math.exp(-4)
    expected = torch.tensor([[corner, near, corner, 0], [near, 1, near, 0], [corner, near, corner, 0], [0, 0, 0, 0]])
    assert torch.allclose(target[0, 1], expected)
    assert target[0, 2:, 1, 1].tolist() == [1.25, 1.5, 0.625, 0.25]
    assert target[0, 2:].isnan().sum() == 4 * 15


def test_of_two_centers_in_one_cell_the_nearer_one_is_kept() -> None:
    boxes = [[4.0, 4.0, 8.0, 8.0], [4.0, 4.0, 7.0, 7.0]]
    for depths, width in (([1.0, 2.0], 4.0), ([2.0, 1.0], 3.0)):
        made = one_object(boxes, [0, 0], depths)
        assert detection_targets(made)[0, 2, 1, 1] == width / 4
        assert lost_objects(made) == 1
    assert lost_objects(one_object(boxes[:1], [0], [1.0])) == 0


def test_an_object_that_hardly_shows_does_not_count() -> None:
    made = one_object([[4.0, 4.0, 8.0, 8.0], [8.0, 8.0, 12.0, 12.0]], [0, 1], [1.0, 1.0])
    made.visibility[0, 0] = torch.tensor([0.24, 0.25])
    assert centers_of(made).classes.tolist() == [1]


@settings(deadline=None)
@given(w=st.floats(0.5, 30), h=st.floats(0.5, 30))
def test_the_radius_keeps_the_overlap(w: float, h: float) -> None:
    r = float(gaussian_radius(torch.tensor([w, h], dtype=torch.float64)))
    area = w * h
    shifted = (w - r) * (h - r)
    overlaps = [shifted / (2 * area - shifted), (w - 2 * r) * (h - 2 * r) / area, area / ((w + 2 * r) * (h + 2 * r))]
    assert min(overlaps) == pytest.approx(0.7, abs=1e-6)


def test_focal_loss_by_hand() -> None:
    # p = 1/2 everywhere: at a center (1/2)²·ln 2, beside it with heat 1/2 (1/2)⁴·(1/2)²·ln 2, far away (1/2)²·ln 2.
    loss = focal_loss(torch.zeros(3), torch.tensor([1.0, 0.5, 0.0]))
    assert loss.item() == pytest.approx(math.log(2) * (1 / 4 + 1 / 64 + 1 / 4))


def test_detection_loss_by_hand() -> None:
    task = detection("boxes", ["a"])
    target = torch.full((2, 5, 2, 2), NAN)
    target[0, 0] = 0.0
    target[0, :, 0, 0] = torch.tensor([1.0, 2.0, 3.0, 0.5, 0.5])
    output = torch.zeros(2, 5, 2, 2)
    # Heat: four cells with p = 1/2 cost (1/2)²·ln 2 each. Size is off by 2 + 3, times 0.1; offset by 1/2 + 1/2. One object.
    assert task.loss(output, target).item() == pytest.approx(math.log(2) + 0.5 + 1.0)
    assert task.labelled(target).tolist() == [True, False]  # the second image has no labels
    target[1, 0] = 0.0  # and now it has one: that it is empty
    assert task.labelled(target).tolist() == [True, True]
    assert task.loss(output, target).item() == pytest.approx(2 * math.log(2) + 1.5)


def test_the_loss_has_finite_gradients_everywhere() -> None:
    task = detection("boxes", ["a"])
    target = torch.full((1, 5, 2, 2), NAN)
    target[:, 0] = 0.0
    output = torch.full((1, 5, 2, 2), 200.0, requires_grad=True)
    task.loss(output, target).backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()


def perfect(target: torch.Tensor, classes: int) -> torch.Tensor:
    """The outputs of a network that knows the targets."""
    return torch.cat([torch.logit(target[:, :classes], 1e-4), target[:, classes:].nan_to_num(0)], 1)


def test_average_precision_of_right_and_wrong_answers(scenes: MovingScenes) -> None:
    split = scenes.val.pairs()
    task, target = split.task("detection"), split.targets["detection"]
    assert isinstance(task, Detection)

    def precision(output: torch.Tensor, **arguments: object) -> float:
        metric = AveragePrecision(task, **arguments)  # type: ignore[arg-type]
        metric.update(output, target)
        return float(metric.compute())

    right = perfect(target, 10)
    assert precision(right) == pytest.approx(1.0)
    other = torch.cat([right[:, :10].roll(1, dims=1), right[:, 10:]], 1)  # right boxes, wrong classes
    assert precision(other) < 0.05
    assert precision(other, by_class=False) > 0.95
    small = right.clone()
    small[:, 10:12] *= 0.85  # both sides 15 % too short: an overlap of 0.72
    assert precision(small) > 0.95
    assert precision(small, overlaps=(0.75,)) < 0.05


def test_the_four_tasks_and_their_pairs(scenes: MovingScenes) -> None:
    data = scenes.pairs()
    assert [task.name for task in data.tasks] == ["detection", "segmentation", "depth", "tracking"]
    assert data.image_shape == (6, 64, 64)
    images = data.train.images.view(6, 4, 6, 64, 64)
    assert torch.equal(images[:, :, :3], scenes.train.videos)
    assert torch.equal(images[:, 1:, 3:], scenes.train.videos[:, :-1])
    assert torch.equal(images[:, 0, 3:], scenes.train.videos[:, 0])  # a first frame stands twice
    assert torch.equal(data.train.targets["depth"].view(6, 4, 64, 64), scenes.train.depth_maps)
    assert data.train.targets["tracking"].shape == (24, 2, 16, 16)


def test_partly_labelled_videos_train_together(scenes: MovingScenes) -> None:
    data = scenes.pairs(labelled={"detection": range(3), "segmentation": slice(3, 6)})
    detected = data.train.task("detection").labelled(data.train.targets["detection"])
    assert detected.tolist() == [True] * 12 + [False] * 12
    assert (data.train.targets["segmentation"][:12] == -100).all()
    assert (data.train.targets["segmentation"][12:] >= 0).all()
    assert not data.train.targets["depth"].isnan().any()
    assert data.val.task("detection").labelled(data.val.targets["detection"]).all()
    model = models.scene_network(data, channels=(4, 8, 8, 8), width=8, hidden=8)
    history = training.fit(model, data.train, steps=6, batch_size=12, progress=False)
    assert all(math.isfinite(loss) for loss in history.steps[-1].losses.values())
    found = evaluate(model, data.val)
    assert all(math.isfinite(value) for value in (*found.losses.values(), *found.metrics.values()))


def test_a_batch_without_one_tasks_labels_leaves_its_head_alone(scenes: MovingScenes) -> None:
    data = scenes.pairs(labelled={"detection": range(1)}, tasks=("detection", "depth"))
    model = models.scene_network(data, channels=(4, 8, 8, 8), width=8, hidden=8)
    images, targets = data.train.batch(slice(4, 8))  # the second video
    losses = models.forward.labelled_losses(model, images, targets, data.tasks)
    assert list(losses) == ["depth"]


def test_bad_arguments_are_told_in_words(scenes: MovingScenes) -> None:
    with pytest.raises(ValueError, match="no task 'flow'; the tasks are"):
        scenes.pairs(tasks=("depth", "flow"))
    with pytest.raises(ValueError, match="no task 'flow'"):
        scenes.pairs(labelled={"flow": [0]})
    with pytest.raises(ValueError, match="at least one task"):
        scenes.pairs(tasks=())
    with pytest.raises(ValueError, match="'depth': there are 6 videos, numbers 0 to 5"):
        scenes.pairs(labelled={"depth": [6]})
    with pytest.raises(ValueError, match="every label is missing"):
        scenes.pairs(labelled={"depth": []})
    with pytest.raises(ValueError, match="needs the names of its classes"):
        detection("boxes", [])
    for speed in ((0.2, 0.1), (0.1,), (-0.1, 0.1), (0.0, 2.0), 0.1):
        with pytest.raises(ValueError, match="speed= takes the slowest and the fastest"):
            moving_scenes(1, 1, 1, speed=speed)  # type: ignore[arg-type]


def test_videos_of_one_frame() -> None:
    single = moving_scenes(3, 1, 1, source="MNIST", frames=1, size=32)
    with pytest.raises(ValueError, match=r"tracking.*leave it out: tasks=\('detection', 'segmentation', 'depth'\)"):
        single.pairs()
    data = single.pairs(tasks=("detection", "segmentation", "depth"))
    assert torch.equal(data.train.images[:, :3], data.train.images[:, 3:])


def test_gray_videos_give_two_channels(scenes: MovingScenes) -> None:
    from dataclasses import replace

    gray = replace(scenes.train, videos=scenes.train.videos.float().mean(2, keepdim=True).to(torch.uint8))
    split = gray.pairs()
    assert split.image_shape == (2, 64, 64)
    model = models.scene_network(split, channels=(4, 8, 8, 8), width=8, hidden=8)
    assert model(split.batch(slice(0, 2))[0])["depth"].shape == (2, 1, 64, 64)


def test_a_fifth_task_joins_the_pairs(scenes: MovingScenes) -> None:
    split = scenes.train.pairs()
    count = (scenes.train.visibility > 0).sum(2).flatten()
    more = split.with_task(classification("count", 5), count)
    model = models.scene_network(more, channels=(4, 8, 8, 8), width=8, hidden=8, fusion=True)
    assert model(more.batch(slice(0, 2))[0])["count"].shape == (2, 5)


def test_speed_is_what_was_asked_for() -> None:
    slow, fast = (moving_scenes(8, 1, 1, source="MNIST", size=64, frames=2, speed=(s, s), seed=3).train for s in (0.0, 0.15))
    # Without speed only depth moves a center, which gives way to the walls as the object shrinks.
    assert slow.displacements[:, 1].norm(dim=-1).nanmean() < 2.5
    assert fast.displacements[:, 1].norm(dim=-1).nanmean() > 5


def test_all_objects_of_a_video_can_have_one_class() -> None:
    made = moving_scenes(10, 4, 4, source="MNIST", size=32, frames=2, same_class=True, objects=(2, 4))
    for part in (made.train, made.val, made.test):
        for classes in part.classes[:, 0]:
            assert len(classes[classes >= 0].unique()) == 1
    train, val = (set(part.sources[part.sources >= 0].tolist()) for part in (made.train, made.val))
    assert not train & val


def test_a_detection_needs_no_change_anywhere_else(scenes: MovingScenes) -> None:
    data = scenes.pairs().for_tasks("detection")
    assert isinstance(data.tasks[0], datasets.Detection)
    assert data.tasks[0].target_shape(2, (65, 64)) == (2, 14, 17, 16)
