"""Rules about whole tracks, by hand."""

import pytest
import torch
from hand_made import frame

from mtl_utils.tracking import TrackedFrame, drop_short, fill_gaps, vote_classes

A, B = [0, 0, 8, 8], [20, 0, 28, 8]


def scored(kind: int, score: float) -> TrackedFrame:
    one = frame([A], [4], [kind])
    return TrackedFrame(one.boxes, one.classes, one.tracks, scores=torch.tensor([score]))


def test_the_class_with_the_largest_sum_of_scores_wins_each_track() -> None:
    video = [frame([A, B], [0, 1], [3, 5]), frame([A, B], [0, 1], [3, 7]), frame([A], [0], [8])]
    assert [each.classes.tolist() for each in vote_classes(video)] == [[3, 5], [3, 5], [3]]
    # Two weak votes lose to a strong one.
    assert [each.classes.tolist() for each in vote_classes([scored(2, 0.3), scored(6, 0.7), scored(2, 0.3)])] == [[6]] * 3


def test_short_tracks_go() -> None:
    video = [frame([A, B], [0, 1]), frame([A], [0]), frame([], [])]
    assert [each.tracks.tolist() for each in drop_short(video)] == [[0], [0], []]
    assert [each.tracks.tolist() for each in drop_short(video, 3)] == [[], [], []]


def test_gaps_are_filled_on_a_straight_line() -> None:
    video = [frame([A], [5]), frame([B], [7]), frame([], []), frame([[6, 3, 17, 11]], [5])]
    filled = fill_gaps(video, 2)
    assert [each.tracks.tolist() for each in filled] == [[5], [7, 5], [5], [5]]
    assert filled[1].boxes[1].tolist() == [2, 1, 11, 9]
    assert filled[2].boxes[0].tolist() == [4, 2, 14, 10]
    assert [each.tracks.tolist() for each in fill_gaps(video, 1)] == [[5], [7], [], [5]]


def test_a_filled_box_has_the_lower_of_the_two_scores() -> None:
    none = TrackedFrame(torch.zeros(0, 4), torch.zeros(0).long(), torch.zeros(0).long(), scores=torch.zeros(0))
    assert fill_gaps([scored(2, 0.75), none, scored(2, 0.5)])[1].scores.tolist() == [0.5]


def test_bad_input_and_no_frames() -> None:
    assert vote_classes([]) == drop_short([]) == fill_gaps([]) == []
    with pytest.raises(ValueError, match="least number of boxes"):
        drop_short([], 0)
    with pytest.raises(ValueError, match="longest gap"):
        fill_gaps([], 0)
    masked = TrackedFrame(torch.zeros(0, 4), torch.zeros(0).long(), torch.zeros(0).long(), torch.zeros(8, 8).long())
    with pytest.raises(ValueError, match="before boxes get masks"):
        fill_gaps([masked])
