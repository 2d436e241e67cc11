"""Decoding: it inverts encoding, finds peaks as a loop would, and says what it cannot take."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils import datasets
from mtl_utils.datasets.moving_scenes.boxes import at_cells, decode


def maps(objects, *, classes=10, rows=16, columns=16, stride=4):
    """Heat (1 at centers), sizes, offsets of one frame from (x0, y0, x1, y1, class), a later one over an earlier one."""
    heat, size, offset = (torch.zeros(1, depth, rows, columns) for depth in (classes, 2, 2))
    for x0, y0, x1, y1, kind in objects:
        x, y = (x0 + x1) / 2 / stride, (y0 + y1) / 2 / stride
        column, row = min(int(x), columns - 1), min(int(y), rows - 1)
        heat[0, kind, row, column] = 1
        size[0, :, row, column] = torch.tensor([x1 - x0, y1 - y0]) / stride
        offset[0, :, row, column] = torch.tensor([x - column, y - row])
    return heat, size, offset


def listed(found):
    return sorted([*box, kind] for box, kind in zip(found.boxes.tolist(), found.classes.tolist(), strict=True))


@st.composite
def objects(draw):
    """Whole-pixel boxes in a 64×64 frame whose centers share no cell."""
    every, taken = [], set()
    for _ in range(draw(st.integers(0, 6))):
        x0, y0 = draw(st.integers(0, 63)), draw(st.integers(0, 63))
        x1, y1 = draw(st.integers(x0 + 1, 64)), draw(st.integers(y0 + 1, 64))
        cell = ((x0 + x1) // 8, (y0 + y1) // 8)
        if cell not in taken:
            taken.add(cell)
            every.append((x0, y0, x1, y1, draw(st.integers(0, 9))))
    return every


@settings(max_examples=100, deadline=None)
@given(objects())
def test_decoding_inverts_encoding_exactly(truth) -> None:
    (found,) = decode(*maps(truth), threshold=0.999)
    assert listed(found) == sorted(map(list, truth))
    assert (found.scores == 1).all()
    assert len(found.cells) == len(truth)


def test_decoding_true_targets_of_moving_scenes_gives_the_true_boxes() -> None:
    scenes = datasets.moving_scenes(1, 1, 12, source="MNIST").test
    pairs = datasets.moving_scenes(1, 1, 12, source="MNIST").pairs().test
    target = pairs.targets["detection"].nan_to_num(0)
    found = decode(target[:, :10], target[:, 10:12], target[:, 12:], threshold=0.999)
    shared = 0
    for number, each in enumerate(found):
        scene, time = divmod(number, scenes.frame_count)
        seen = scenes.visibility[scene, time] >= 0.25
        boxes, kinds = scenes.boxes[scene, time][seen], scenes.classes[scene, time][seen]
        cells = (((boxes[:, :2] + boxes[:, 2:]) / 8).long()).tolist()
        if len({tuple(cell) for cell in cells}) < len(cells):
            shared += 1  # two centers in one cell: one box is lost, and that is said
            continue
        assert listed(each) == sorted([*box, kind] for box, kind in zip(boxes.tolist(), kinds.tolist(), strict=True))
    assert shared < len(found) // 20


def test_two_centers_in_one_cell() -> None:
    same = [(8, 8, 16, 16, 3), (9, 9, 17, 17, 3)]
    (found,) = decode(*maps(same))
    assert listed(found) == [[9, 9, 17, 17, 3]]
    (found,) = decode(*maps([(*same[0][:4], 5), same[1]]))
    assert listed(found) == [[9, 9, 17, 17, 3], [9, 9, 17, 17, 5]]
    (found,) = decode(*maps([same[0]]), exclusive=True)
    assert listed(found) == [[8, 8, 16, 16, 3]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.booleans())
def test_peaks_are_those_that_a_loop_finds(seed, most, exclusive) -> None:
    generator = torch.Generator().manual_seed(seed)
    heat = torch.rand(3, 2, 6, 7, generator=generator)
    size, offset = torch.rand(3, 2, 6, 7, generator=generator), torch.rand(3, 2, 6, 7, generator=generator)
    for number, found in enumerate(decode(heat, size, offset, threshold=0.4, most=most, exclusive=exclusive)):
        expected = []
        for kind in range(2):
            for row in range(6):
                for column in range(7):
                    around = (slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2))
                    rivals = heat[number][:, *around] if exclusive else heat[number, kind][around]
                    value = heat[number, kind, row, column]
                    if value == rivals.max() and value >= 0.4:
                        expected.append((float(value), kind, row, column))
        expected = sorted(expected, reverse=True)[:most]
        got = zip(found.scores.tolist(), found.classes.tolist(), *found.cells.T.tolist(), strict=True)
        assert list(got) == expected


def test_boxes_are_cut_at_the_edge_and_sizes_below_zero_are_empty() -> None:
    heat, size, offset = maps([(0, 0, 8, 8, 1), (40, 40, 48, 48, 2)])
    size[0, :, 1, 1], size[0, :, 11, 11] = 4.0, -3.0
    (found,) = decode(heat, size, offset)
    assert listed(found) == [[0, 0, 12, 12, 1], [44, 44, 44, 44, 2]]


def test_frames_without_a_peak_and_no_frames() -> None:
    (found,) = decode(*maps([]))
    assert [tuple(part.shape) for part in found] == [(0, 4), (0,), (0,), (0, 2)]
    assert decode(torch.zeros(0, 3, 4, 4), torch.zeros(0, 2, 4, 4), torch.zeros(0, 2, 4, 4)) == []


def test_values_at_cells() -> None:
    found = decode(*(torch.cat([part, part]) for part in maps([(0, 0, 8, 8, 1), (40, 40, 48, 48, 2)])))
    values = torch.arange(2 * 16 * 16).view(2, 1, 16, 16)
    for number, each in enumerate(at_cells(values, found)):
        assert each.flatten().tolist() == [256 * number + 16 * row + column for row, column in found[number].cells.tolist()]


def test_bad_input_is_named() -> None:
    heat, size, offset = maps([])
    with pytest.raises(ValueError, match="one frame needs a first dimension of 1"):
        decode(heat[0], size, offset)
    with pytest.raises(ValueError, match=r"size must be \(1, 2, 16, 16\)"):
        decode(heat, size[..., :8], offset)
    with pytest.raises(ValueError, match=r"offset must be"):
        decode(heat, size, offset[:, :1])
    for wrong in (2.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=r"torch\.sigmoid"):
            decode(heat + wrong, size, offset)
    with pytest.raises(ValueError, match="most"):
        decode(heat, size, offset, most=0)
    with pytest.raises(ValueError, match="stride"):
        decode(heat, size, offset, stride=0)
    with pytest.raises(ValueError, match="2 frames of detections need maps"):
        at_cells(heat, decode(*(torch.cat([part, part]) for part in (heat, size, offset))))
