"""What became of each true box, on cases worked by hand."""

import pytest
from hand_made import frame

from mtl_utils.tracking import box_fates

A, B, FAR = [0, 0, 8, 8], [20, 0, 28, 8], [50, 50, 58, 58]


def fates(true, found, **settings):
    return [each.fate for each in box_fates([true], [found], **settings)]


def test_found_under_any_name_as_long_as_it_stays() -> None:
    assert fates([frame([A, B], [0, 1])] * 2, [frame([B, A], [7, 3])] * 2) == ["found, same identity"] * 4


def test_an_object_that_is_found_under_another_number_and_then_its_first_again() -> None:
    found = [frame([A], [4]), frame([A], [5]), frame([A], [4])]
    assert fates([frame([A], [0])] * 3, found) == ["found, same identity", "found, another identity", "found, same identity"]


def test_missed_without_a_box_or_with_one_elsewhere_and_an_empty_frame() -> None:
    assert fates([frame([A], [0])] * 2, [frame([], []), frame([FAR], [0])]) == ["missed", "missed"]
    assert fates([frame([], [])], [frame([A], [0])]) == []


def test_the_overlap_that_is_asked_for() -> None:
    half = [frame([[0, 0, 8, 4]], [0])]  # half of A, so its intersection over union with A is ½
    assert fates([frame([A], [0])], half) == ["found, same identity"]
    assert fates([frame([A], [0])], half, overlap=0.51) == ["missed"]


def test_each_entry_says_where_it_belongs() -> None:
    first, second = box_fates([[frame([A], [2])], [frame([B], [5])]], [[frame([A], [0])], [frame([A], [0])]])
    assert first[:3] == (0, 0, 2) and second == (1, 0, 5, "missed")


def test_videos_and_frames_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="1 true videos, but 2 found"):
        box_fates([[]], [[], []])
    with pytest.raises(ValueError, match="video 0 has 1 true frames, but 0 found"):
        box_fates([[frame([A], [0])]], [[]])
