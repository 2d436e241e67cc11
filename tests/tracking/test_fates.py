"""What became of each true box, on cases worked by hand."""

from collections import Counter

import pytest
from hand_made import frame

from mtl_utils.tracking import box_fates, measure_tracks

A, B, FAR = [0, 0, 8, 8], [20, 0, 28, 8], [50, 50, 58, 58]


def fates(true, found, **settings):
    return [each.fate for each in box_fates([true], [found], **settings)]


def test_found_under_any_name_as_long_as_it_stays() -> None:
    assert fates([frame([A, B], [0, 1])] * 2, [frame([B, A], [7, 3])] * 2) == ["found, same identity"] * 4


def test_each_change_of_the_number_counts_once_and_is_a_switch_of_the_measures() -> None:
    found = [frame([A], [4]), frame([A], [5]), frame([A], [5]), frame([A], [4])]
    true = [frame([A], [0])] * 4
    same, other = "found, same identity", "found, another identity"
    assert fates(true, found) == [same, other, same, other]
    assert measure_tracks([true], [found]).switches == 2


def test_one_found_box_finds_one_object() -> None:
    assert fates([frame([A, A], [0, 1])], [frame([A], [0])]) == ["found, same identity", "missed"]


def test_the_fates_add_up_to_what_the_measures_count() -> None:
    true = [[frame([A, B], [0, 1])] * 3, [frame([A], [0])] * 2]
    found = [[frame([A, B], [0, 1]), frame([B], [1]), frame([A, B], [2, 1])], [frame([FAR], [0]), frame([A], [0])]]
    counts = Counter(each.fate for each in box_fates(true, found))
    measured = measure_tracks(true, found)
    assert counts["missed"] == measured.misses == 2
    assert counts["found, another identity"] == measured.switches == 1
    assert counts.total() == measured.boxes == 8


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
