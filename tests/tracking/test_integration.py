"""Integration: small pictures where one rule decides, and properties of all."""

import pytest
import torch
from hand_made import frame
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils.datasets import MovingScenes
from mtl_utils.tracking import box_mask_agreement, integrate, panoptic_quality, true_frames

# Two objects whose boxes overlap in columns 4 and 5 of an 8×10 frame.
BOXES = [[1, 1, 6, 7], [4, 1, 9, 7]]


def picture(*, left: int, right: int, split: int = 5) -> torch.Tensor:
    """A class map: class `left` up to column `split`, class `right` from there, within rows 1 to 6 and columns 1 to 8."""
    classes = torch.zeros(1, 8, 10, dtype=torch.int64)
    classes[0, 1:7, 1:split], classes[0, 1:7, split:9] = left + 1, right + 1
    return classes


def test_each_pixel_goes_to_the_box_of_its_class() -> None:
    (done,) = integrate([frame(BOXES, [7, 8], [2, 5])], picture(left=2, right=5), by_depth=False, margin=0)
    assert done.instances[3].tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2, 0]
    assert done.boxes.tolist() == [[1, 1, 5, 7], [5, 1, 9, 7]]
    assert done.tracks.tolist() == [7, 8]
    assert done.depths is None


def test_depth_decides_between_boxes_of_one_class() -> None:
    depth = torch.full((1, 1, 8, 10), 3.0)
    depth[..., 1:4], depth[..., 4:9] = 2.0, 1.2
    objects = [frame(BOXES, [7, 8], [2, 2])]
    (done,) = integrate(objects, picture(left=2, right=2), depth, margin=0)
    assert done.instances[3].tolist() == [0, 1, 1, 1, 2, 2, 2, 2, 2, 0]
    assert done.depths.tolist() == pytest.approx([2.0, 1.2])
    (done,) = integrate(objects, picture(left=2, right=2), depth, by_depth=False, margin=0)
    assert done.instances[3].tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2, 0]


def test_without_the_class_rule_a_pixel_of_any_object_will_do() -> None:
    objects = [frame(BOXES, [7, 8], [2, 5])]
    (done,) = integrate(objects, picture(left=2, right=5, split=4), by_class=False, by_depth=False, margin=0)
    assert done.instances[3].tolist() == [0, 1, 1, 1, 1, 2, 2, 2, 2, 0]
    # A class that was not detected here is still an object: the box says of which class.
    (done,) = integrate([frame(BOXES[:1], [7], [2])], picture(left=9, right=9), by_depth=False, margin=0)
    assert done.class_map[3].tolist() == [0, 3, 3, 3, 3, 3, 0, 0, 0, 0]


def test_boxes_are_tightened_only_to_masks_that_resemble_them() -> None:
    classes = torch.zeros(1, 8, 10, dtype=torch.int64)
    classes[0, 2:6, 2:6] = 1
    for boxes, expected in (([[1, 1, 6, 6]], [2, 2, 6, 6]), ([[0, 0, 10, 8]], [0, 0, 10, 8])):
        (done,) = integrate([frame(boxes, [0])], classes, by_depth=False)
        assert done.boxes.tolist() == [expected]
        (done,) = integrate([frame(boxes, [0])], classes, by_depth=False, tighten=False)
        assert done.boxes.tolist() == boxes


def test_the_margin_finds_pixels_beside_a_box_that_is_too_small() -> None:
    (done,) = integrate([frame([[2, 1, 9, 7]], [0])], picture(left=0, right=0), by_depth=False, margin=1)
    assert done.boxes.tolist() == [[1, 1, 9, 7]]


def test_empty_frames_and_objects_without_a_pixel() -> None:
    nothing = torch.zeros(2, 8, 10, dtype=torch.int64)
    empty, lonely = integrate([frame([], []), frame(BOXES[:1], [0])], nothing, torch.full((2, 8, 10), 3.0))
    assert (len(empty), int(empty.instances.sum()), len(empty.depths)) == (0, 0, 0)
    assert (len(lonely), int(lonely.instances.sum()), lonely.depths.tolist()) == (1, 0, [3.0])
    assert lonely.boxes.tolist() == BOXES[:1]


def test_scores_and_their_highest_class_say_the_same_where_they_are_clear() -> None:
    classes = picture(left=2, right=5)
    scores = 30.0 * torch.nn.functional.one_hot(classes, 11).movedim(-1, 1)
    objects = [frame(BOXES, [7, 8], [2, 5])]
    first, second = (integrate(objects, maps, by_depth=False)[0] for maps in (classes, scores))
    assert torch.equal(first.instances, second.instances)


def test_true_maps_give_back_the_true_masks(videos: MovingScenes) -> None:
    split = videos.test
    for scene in range(4):
        true = true_frames(split, scene, visible=0)
        done = integrate(true, split.class_maps[scene].long(), split.depth_maps[scene], margin=0)
        assert box_mask_agreement([done]) == 1
        assert panoptic_quality([true], [done]) > 0.98


boxes = st.tuples(*[st.integers(-2, 9)] * 2, *[st.integers(1, 8)] * 2).map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, max_size=4), st.integers(0, 999), st.booleans(), st.booleans())
def test_each_pixel_has_one_object_at_most_and_lies_in_its_box(some, seed, by_class, by_depth) -> None:
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(2, (len(some),), generator=generator).tolist()
    scores, depth = torch.randn(1, 3, 8, 10, generator=generator), torch.rand(1, 8, 10, generator=generator)
    objects = frame(some, range(len(some)), classes)
    (done,) = integrate([objects], scores, depth, by_class=by_class, by_depth=by_depth, margin=0)
    assert len(done.masks) == len(some)
    assert (done.masks.sum(0) <= 1).all()
    sees = scores[0, 1:].logsumexp(0) > scores[0, 0]
    for mask, (x0, y0, x1, y1) in zip(done.masks, some, strict=True):
        rows, columns = mask.nonzero(as_tuple=True)
        assert ((rows >= y0) & (rows < y1) & (columns >= x0) & (columns < x1)).all()
        assert sees[mask].all()
    # No pixel of an object in a box is left over.
    covered = torch.zeros(8, 10, dtype=torch.bool)
    for x0, y0, x1, y1 in some:
        covered[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    assert torch.equal(done.instances > 0, covered & sees)


def test_bad_input_is_named() -> None:
    objects = [frame(BOXES[:1], [0], [4])]
    classes = picture(left=0, right=0)
    with pytest.raises(ValueError, match="by_depth needs depth_maps="):
        integrate(objects, classes)
    with pytest.raises(ValueError, match="1 frames need class maps"):
        integrate(objects, classes[0], by_depth=False)
    with pytest.raises(ValueError, match="1 frames need class maps"):
        integrate(objects, classes.float(), by_depth=False)
    with pytest.raises(ValueError, match="depth maps must be"):
        integrate(objects, classes, torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match="class 4 was found, but class maps know only 0 to 2"):
        integrate(objects, torch.zeros(1, 4, 8, 10), by_depth=False)
    with pytest.raises(ValueError, match="no masks"):
        box_mask_agreement([objects])
    with pytest.raises(ValueError, match="no frame has an object"):
        box_mask_agreement([[]])
