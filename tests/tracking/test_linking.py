"""Linking: hand-made videos where one rule decides, and properties of all."""

import pytest
import torch
from hand_made import found, moves, perfect
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils.datasets import MovingScenes
from mtl_utils.datasets.moving_scenes.boxes import Detections
from mtl_utils.tracking import Linker, LinkingRules, link, measure_tracks, tracked_frames, true_frames

STILL = {"by_displacement": False}


def ids(tracks: list[torch.Tensor]) -> list[list[int]]:
    return [each.tolist() for each in tracks]


def test_one_object_keeps_its_track_and_empty_frames_have_none() -> None:
    video = [found(), found((10, 10, 3)), found((12, 10, 3)), found()]
    assert ids(link(video, **STILL)) == [[], [0], [0], []]


def test_no_frame_at_all() -> None:
    assert link([], **STILL) == []
    assert link([], torch.zeros(0, 2, 16, 16)) == []


def test_an_object_beyond_the_distance_is_another_one() -> None:
    video = [found((10, 10, 3)), found((22, 10, 3)), found((34.1, 10, 3))]
    assert ids(link(video, distance=12, **STILL)) == [[0], [0], [1]]


def test_class_decides_where_places_would_mislead() -> None:
    video = [found((10, 10, 3), (20, 10, 5)), found((19, 10, 3), (11, 10, 5))]
    assert ids(link(video, **STILL)) == [[0, 1], [0, 1]]
    assert ids(link(video, by_class=False, **STILL)) == [[0, 1], [1, 0]]


def test_displacement_tells_two_crossing_objects_of_one_class_apart() -> None:
    # One runs from x = 10 to 20, the other from 22 to 12: the nearest is the wrong one.
    video = [found((10, 10, 3), (22, 10, 3)), found((20, 10, 3), (12, 10, 3))]
    displacements = [moves((0, 0), (0, 0)), moves((10, 0), (-10, 0))]
    assert ids(link(video, displacements)) == [[0, 1], [0, 1]]
    assert ids(link(video, **STILL)) == [[0, 1], [1, 0]]


def test_velocity_does_the_same_from_the_third_frame_on() -> None:
    # From 30 they would fly past each other; in frame 2 the nearest is the wrong one.
    video = [found((10 + 6 * time, 10, 3), (32 - 6 * time, 10, 3)) for time in range(4)]
    assert ids(link(video, by_displacement=False, by_velocity=True)) == [[0, 1]] * 4
    assert ids(link(video, **STILL))[-1] == [1, 0]


@pytest.mark.parametrize(("memory", "expected"), [(3, [0]), (2, [1])])
def test_memory_waits_for_three_hidden_frames_and_no_longer(memory: int, expected: list[int]) -> None:
    video = [found((10, 10, 3)), found((14, 10, 3)), found(), found(), found(), found((30, 10, 3))]
    displacements = [moves((0, 0)), moves((4, 0)), moves(), moves(), moves(), moves((4, 0))]
    assert ids(link(video, displacements, memory=memory))[-1] == expected


def test_a_waiting_track_moves_on_only_if_it_coasts() -> None:
    video = [found((10, 10, 3)), found((16, 10, 3)), found(), found(), found(), found((40, 10, 3))]
    for rules in ({}, {"by_displacement": False, "by_velocity": True}):
        displacements = [moves((0, 0)), moves((6, 0)), moves(), moves(), moves(), moves((6, 0))]
        assert ids(link(video, displacements, **rules))[-1] == [0]
        assert ids(link(video, displacements, coasting=False, **rules))[-1] == [1]


def test_the_speed_of_a_track_that_waited_is_that_of_a_frame() -> None:
    # Hidden for one frame: 8 pixels in two frames are 4 a frame, so it is expected at 22 and found at 25.
    video = [found((10, 10, 3)), found(), found((18, 10, 3)), found((25, 10, 3))]
    rules = {"by_displacement": False, "by_velocity": True}
    assert ids(link(video, distance=8.5, **rules)) == [[0], [], [0], [0]]
    for coasting in (True, False):
        assert ids(link([*video[:3], found((22, 10, 3))], distance=8.5, coasting=coasting, **rules))[-1] == [0]


def test_a_weak_box_begins_no_track_but_continues_one() -> None:
    video = [found((10, 10, 3, 0.4)), found((10, 10, 3, 0.6)), found((10, 10, 3, 0.4))]
    assert ids(link(video, birth=0.5, **STILL)) == [[-1], [0], [0]]


def test_a_near_pair_is_not_broken_to_find_a_partner_for_others() -> None:
    # All pairs within reach: 0 with its near box and the far ones apart (1 + 12) beats two long links (11 + 11).
    video = [found((10, 10, 3), (0, 10, 3)), found((11, 10, 3), (21, 10, 3))]
    assert ids(link(video, distance=11.5, **STILL)) == [[0, 1], [0, 2]]


def test_maps_are_read_at_the_cells_of_the_boxes() -> None:
    video = [found((10, 10, 3), (22, 10, 3)), found((20, 10, 3), (12, 10, 3))]
    maps = torch.full((2, 2, 16, 16), float("nan"))
    maps[1, :, 2, 5], maps[1, :, 2, 3] = torch.tensor([10.0, 0.0]), torch.tensor([-10.0, 0.0])
    assert ids(link(video, maps)) == [[0, 1], [0, 1]]


def test_a_linker_that_sees_frame_after_frame_says_the_same() -> None:
    video = [found((10, 10, 3), (22, 10, 3)), found((20, 10, 3), (12, 10, 3))]
    linker = Linker(LinkingRules(by_displacement=False))
    assert ids([linker.step(each) for each in video]) == ids(link(video, **STILL))
    assert linker.tracks_so_far == 2


def test_perfect_detections_of_objects_that_never_vanish_give_perfect_tracks(videos: MovingScenes) -> None:
    split = videos.test
    always = (split.visibility > 0.25).all(1)  # [S, K]
    true, got = [], []
    for scene in range(len(split)):
        frames = [each.pick(always[scene][each.tracks]) for each in true_frames(split, scene)]
        displacements = [split.displacements[scene, time][each.tracks] for time, each in enumerate(frames)]
        detections = perfect(frames)
        true.append(frames)
        got.append(tracked_frames(detections, link(detections, displacements)))
    measures = measure_tracks(true, got)
    assert measures.boxes > 100
    assert measures[:5] == (1.0, 1.0, 0, 0, 0)


def test_memory_saves_identities_where_a_detector_misses(videos: MovingScenes) -> None:
    split, generator = videos.test, torch.Generator().manual_seed(0)
    true = [true_frames(split, scene) for scene in range(len(split))]
    switches = {}
    seen = [[each.pick(torch.rand(len(each), generator=generator) > 0.2) for each in frames] for frames in true]
    for memory in (0, 3):
        got = []
        for scene, frames in enumerate(seen):
            displacements = [split.displacements[scene, time][each.tracks] for time, each in enumerate(frames)]
            got.append(tracked_frames(perfect(frames), link(perfect(frames), displacements, memory=memory)))
        switches[memory] = measure_tracks(true, got).switches
    assert switches[0] > 20
    assert switches[3] <= switches[0] // 4


points = st.tuples(st.floats(0, 64, width=32), st.floats(0, 64, width=32), st.integers(0, 1))
some_videos = st.lists(st.lists(points, max_size=5), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(some_videos, st.randoms(use_true_random=False), st.booleans(), st.integers(0, 3))
def test_the_order_of_boxes_does_not_matter(video, random, by_class, memory) -> None:
    # A little noise that belongs to the box: without it, pairs may be equally far, and then order may decide.
    noisy = [[(x + random.random(), y + random.random(), kind) for x, y, kind in each] for each in video]
    orders = [random.sample(range(len(each)), len(each)) for each in noisy]
    plain = [found(*each) for each in noisy]
    mixed = [each.pick(torch.tensor(order, dtype=torch.int64)) for each, order in zip(plain, orders, strict=True)]
    rules = {"by_class": by_class, "memory": memory, **STILL}
    first = link(plain, **rules)
    second = [torch.zeros_like(each) for each in first]
    for each, order, tracks in zip(second, orders, link(mixed, **rules), strict=True):
        each[torch.tensor(order, dtype=torch.int64)] = tracks
    # Tracks are numbered by birth: the same up to names.
    names = dict(zip(torch.cat(first).tolist(), torch.cat(second).tolist(), strict=True))
    assert [[names[track] for track in each.tolist()] for each in first] == ids(second)
    assert len(set(names.values())) == len(names)


@settings(max_examples=60, deadline=None)
@given(some_videos, st.integers(0, 3))
def test_no_track_is_twice_in_a_frame_or_longer_away_than_memory(video, memory) -> None:
    last: dict[int, int] = {}
    for time, tracks in enumerate(link([found(*each) for each in video], memory=memory, **STILL)):
        assert len(set(tracks.tolist())) == len(tracks)
        for track in tracks.tolist():
            assert time - last.get(track, time) <= memory + 1
            last[track] = time


def test_bad_input_is_named() -> None:
    video = [found((10, 10, 3))]
    with pytest.raises(ValueError, match="needs displacements="):
        link(video)
    with pytest.raises(ValueError, match=r"1 boxes need displacements \[1, 2\], not \(2, 2\)"):
        link(video, [moves((0, 0), (0, 0))])
    with pytest.raises(ValueError, match="1 frames of detections, but 2 of displacements"):
        link(video, [moves((0, 0)), moves((0, 0))])
    with pytest.raises(ValueError, match="need maps"):
        link(video, torch.zeros(2, 2, 16, 16))
    with pytest.raises(ValueError, match="both predict the motion"):
        link(video, [moves((0, 0))], by_velocity=True)
    with pytest.raises(ValueError, match="memory must be"):
        link(video, memory=-1, **STILL)
    with pytest.raises(ValueError, match="distance must be above zero"):
        link(video, distance=0, **STILL)


def test_displacements_without_a_value_count_as_none() -> None:
    assert ids(link([found((10, 10, 3)), found((12, 10, 3))], [moves((float("nan"), float("nan")))] * 2)) == [[0], [0]]


def test_detections_pick_and_centers() -> None:
    both = found((10, 10, 3), (20, 12, 5))
    assert isinstance(both.pick(torch.tensor([False, True])), Detections)
    assert both.pick(torch.tensor([False, True])).centers.tolist() == [[20, 12]]
