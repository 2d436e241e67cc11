"""Names of found tracks."""

import pytest
from hand_made import frame

from mtl_utils.tracking import measure_tracks, name_like

A, B, C = [0, 0, 8, 8], [20, 0, 28, 8], [40, 0, 48, 8]


def test_found_tracks_get_the_names_of_the_true_ones_that_they_fit_best() -> None:
    true = [frame([A, B], [0, 1])] * 3
    found = [frame([A, B], [9, 4]), frame([A, B, C], [9, 4, 6]), frame([A, B], [9, 7])]
    named = name_like(found, true)
    assert [each.tracks.tolist() for each in named] == [[0, 1], [0, 1, 2], [0, 3]]
    assert measure_tracks([true], [named]) == measure_tracks([true], [found])


def test_nothing_found_and_nothing_true() -> None:
    empty = frame([], [])
    assert name_like([], []) == []
    assert name_like([empty], [frame([A], [0])])[0].tracks.tolist() == []
    assert name_like([frame([A, B], [5, 3])], [empty])[0].tracks.tolist() == [1, 0]
    with pytest.raises(ValueError, match="1 found frames, but 0 true"):
        name_like([empty], [])
