"""IDF1, MOTA and switches on cases worked by hand; panoptic quality; frames."""

import pytest
import torch
from hand_made import found, frame

from mtl_utils.datasets import MovingScenes
from mtl_utils.tracking import TrackedFrame, box_mask_agreement, measure_tracks, panoptic_quality, tracked_frames, true_frames

A, B = [0, 0, 8, 8], [20, 0, 28, 8]


def test_perfect_tracks_under_other_names() -> None:
    true = [[frame([A, B], [0, 1])] * 3]
    assert measure_tracks(true, [[frame([A, B], [5, 2])] * 3]) == (1.0, 1.0, 0, 0, 0, 6)


def test_an_identity_that_changes_once() -> None:
    # Four frames of one object, found as track 0, 0, 0, 1: three boxes have the best identity, one is wrong.
    # IDF1 = 2·3 / (4 + 4); MOTA = 1 − 1/4.
    got = [[frame([A], [0])] * 3 + [frame([A], [1])]]
    assert measure_tracks([[frame([A], [0])] * 4], got) == (0.75, 0.75, 1, 0, 0, 4)


def test_misses_and_false_positives() -> None:
    # Two objects in two frames; one is missed once, and once there is a box where nothing is.
    # IDF1 = 2·3 / (4 + 4); MOTA = 1 − 2/4.
    true = [[frame([A, B], [0, 1])] * 2]
    got = [[frame([A, B], [0, 1]), frame([A, [50, 50, 58, 58]], [0, 2])]]
    assert measure_tracks(true, got) == (0.75, 0.5, 0, 1, 1, 4)


def test_two_objects_that_swap_identities() -> None:
    # Two frames right, two swapped: each identity is right in half of the boxes. Two switches in eight boxes.
    got = [[frame([A, B], [0, 1])] * 2 + [frame([A, B], [1, 0])] * 2]
    assert measure_tracks([[frame([A, B], [0, 1])] * 4], got) == (0.5, 0.75, 2, 0, 0, 8)


def test_an_object_that_comes_back_under_another_name_is_a_switch() -> None:
    gone = frame([], [])
    true = [[frame([A], [0]), gone, frame([A], [0])]]
    assert measure_tracks(true, [[frame([A], [0]), gone, frame([A], [1])]]).switches == 1
    assert measure_tracks(true, [[frame([A], [3]), gone, frame([A], [3])]]) == (1.0, 1.0, 0, 0, 0, 2)


def test_overlap_and_class_decide_what_may_match() -> None:
    shifted = [2, 0, 10, 8]  # intersection 48, union 80
    true = [[frame([A], [0], [3])]]
    assert measure_tracks(true, [[frame([shifted], [0], [3])]]).misses == 0
    assert measure_tracks(true, [[frame([shifted], [0], [3])]], overlap=0.7).misses == 1
    other = [[frame([A], [0], [4])]]
    assert measure_tracks(true, other).misses == 0
    assert measure_tracks(true, other, by_class=True)[2:] == (0, 1, 1, 1)


def test_videos_do_not_share_identities() -> None:
    true = [[frame([A], [0])], [frame([A], [0])]]
    assert measure_tracks(true, [[frame([A], [0])], [frame([A], [1])]]) == (1.0, 1.0, 0, 0, 0, 2)


def test_nothing_found() -> None:
    assert measure_tracks([[frame([A], [0])] * 2], [[frame([], [])] * 2]) == (0.0, 0.0, 0, 2, 0, 2)


def test_videos_and_frames_must_be_equally_many() -> None:
    with pytest.raises(ValueError, match="1 true videos, but 0 found"):
        measure_tracks([[]], [])
    with pytest.raises(ValueError, match="video 0 has 1 true frames, but 0 found"):
        measure_tracks([[frame([A], [0])]], [[]])


def masked(instances: torch.Tensor, classes: list[int]) -> TrackedFrame:
    boxes = torch.zeros(len(classes), 4)
    return TrackedFrame(boxes, torch.tensor(classes, dtype=torch.int64), torch.arange(len(classes)), instances)


def test_panoptic_quality_by_hand() -> None:
    one = torch.zeros(8, 8, dtype=torch.int64)
    one[:4, :4] = 1
    less = one.clone()
    less[3, :4] = 0
    true = [[masked(one, [2])]]
    assert panoptic_quality(true, true) == pytest.approx(1)
    assert panoptic_quality(true, [[masked(less, [2])]]) == pytest.approx(12 / 16)
    # The wrong class: class 2 is missed, class 3 is made up.
    assert panoptic_quality(true, [[masked(one, [3])]]) == 0
    with pytest.raises(ValueError, match="no frame has an object"):
        panoptic_quality([[masked(0 * one, [])]], [[masked(0 * one, [])]])


def test_agreement_of_boxes_and_masks_by_hand() -> None:
    mask = torch.zeros(8, 8, dtype=torch.int64)
    mask[:4, :4] = 1
    boxes = torch.tensor([[0.0, 0, 4, 8], [5, 5, 6, 6]])  # twice its mask; no mask
    both = TrackedFrame(boxes, torch.zeros(2, dtype=torch.int64), torch.arange(2), mask)
    assert box_mask_agreement([[both]]) == pytest.approx((0.5 + 0) / 2)


def test_true_frames_hold_what_is_visible(videos: MovingScenes) -> None:
    split = videos.test
    for scene in range(len(split)):
        for time, each in enumerate(true_frames(split, scene)):
            seen = split.visibility[scene, time] >= 0.25
            assert each.tracks.tolist() == split.tracks[scene, time][seen].tolist()
            assert torch.equal(each.masks, split.masks[scene, time][seen])
            assert torch.equal(each.depths, split.depths[scene, time][seen])


def test_picking_objects_renumbers_their_masks() -> None:
    instances = torch.tensor([[0, 1, 2, 3]])
    picked = masked(instances, [4, 5, 6]).pick(torch.tensor([2, 0]))
    assert picked.instances.tolist() == [[0, 2, 0, 1]]
    assert (picked.classes.tolist(), picked.tracks.tolist()) == ([6, 4], [2, 0])
    assert picked.class_map.tolist() == [[0, 5, 0, 7]]


def test_boxes_without_a_track_are_left_out() -> None:
    (kept,) = tracked_frames([found((10, 10, 3), (30, 30, 4, 0.4))], [torch.tensor([-1, 6])])
    assert (kept.classes.tolist(), kept.tracks.tolist(), kept.scores.tolist()) == ([4], [6], pytest.approx([0.4]))
