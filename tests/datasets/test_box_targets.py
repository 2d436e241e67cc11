"""Boxes of any images become targets of a detection, and come back from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_utils.datasets import Boxes, box_targets, boxes_in_targets, detection
from mtl_utils.datasets.moving_scenes.box_targets import in_shared_cells

TASK = detection("objects", ["cat", "dog"], stride=4)


def boxes(*rows):
    return Boxes(
        torch.tensor([row[:4] for row in rows], dtype=torch.float32).view(-1, 4), torch.tensor([row[4] for row in rows]).long()
    )


def as_set(found):
    rows = zip(found.corners.tolist(), found.classes.tolist(), strict=True)
    return sorted((*(round(value, 2) for value in corners), cls) for corners, cls in rows)


def test_one_box_by_hand():
    # Center (11, 14) pixels = (2.75, 3.5) cells: column 2, row 3; 2 cells wide, 3 high.
    targets = box_targets(TASK, [boxes((7, 8, 15, 20, 1))], (24, 32))
    assert targets.shape == (1, 6, 6, 8)
    said = TASK.split(targets)
    assert said.heat[0, 1, 3, 2] == 1 and said.heat[0, 1].max() == 1 and (said.heat[0, 1] == 1).sum() == 1
    assert said.heat[0, 0].max() == 0
    assert said.size[0, :, 3, 2].tolist() == [2, 3]
    assert said.offset[0, :, 3, 2].tolist() == [0.75, 0.5]
    assert torch.isnan(said.size).sum() == 2 * (6 * 8 - 1)


def test_empty_and_unlabelled_images_are_not_the_same():
    targets = box_targets(TASK, [boxes(), None], (16, 16))
    assert TASK.labelled(targets).tolist() == [True, False]
    assert (targets[0, :2] == 0).all() and torch.isnan(targets[1]).all()
    empty, unlabelled = boxes_in_targets(TASK, targets)
    assert len(empty.classes) == 0 and unlabelled is None
    assert boxes_in_targets(TASK, box_targets(TASK, [], (16, 16))) == []


@st.composite
def images(draw):
    height, width = draw(st.integers(9, 70)), draw(st.integers(9, 70))
    rows, taken = [], set()
    for _ in range(draw(st.integers(0, 5))):
        x0, y0 = draw(st.floats(0, width - 2)), draw(st.floats(0, height - 2))
        box = (x0, y0, x0 + draw(st.floats(1, width - x0)), y0 + draw(st.floats(1, height - y0)))
        box = tuple(np.float32(value).item() for value in box)
        box = (box[0], box[1], min(box[2], width), min(box[3], height))
        cell = (int((box[0] + box[2]) / 8), int((box[1] + box[3]) / 8))
        # Next to the border of a cell, rounding decides in which cell a center lies.
        near = any(abs(value / 8 - round(value / 8)) < 1e-3 for value in (box[0] + box[2], box[1] + box[3]))
        if cell not in taken and not near:
            taken.add(cell)
            rows.append((*box, draw(st.integers(0, 1))))
    return (height, width), rows


@given(images())
@settings(max_examples=150, deadline=None)
def test_what_is_encoded_comes_back_whatever_the_size(image):
    size, rows = image
    targets = box_targets(TASK, [boxes(*rows)], size)
    assert targets.shape[2:] == (-(-size[0] // 4), -(-size[1] // 4))
    TASK.check_targets(targets, count=1, image_size=size)
    (back,) = boxes_in_targets(TASK, targets)
    assert len(back.classes) == len(rows)
    for (*corners, cls), (*wanted, wanted_cls) in zip(as_set(back), as_set(boxes(*rows)), strict=True):
        assert corners == pytest.approx(wanted, abs=0.02) and cls == wanted_cls


def test_of_two_in_one_cell_the_smaller_one_stays():
    large, small = (0, 0, 20, 20, 0), (8, 8, 12, 11, 0)
    for rows in ((large, small), (small, large)):
        found = boxes(*rows)
        assert in_shared_cells(TASK, found) == 1
        (back,) = boxes_in_targets(TASK, box_targets(TASK, [found], (24, 24)))
        assert as_set(back) == [small]
    assert in_shared_cells(TASK, boxes()) == 0


def test_an_answer_is_cut_at_the_image_where_the_stride_does_not_divide_it():
    output = torch.full((1, 6, 3, 3), -9.0)
    output[0, 0, 2, 2] = 9.0
    output[0, 2:, 2, 2] = torch.tensor([4.0, 4.0, 0.2, 0.2])
    (whole,) = TASK.boxes(output)
    (cut,) = TASK.boxes(output, image_size=(9, 10))
    assert whole.boxes[0].tolist() == pytest.approx([0.8, 0.8, 12, 12])
    assert cut.boxes[0].tolist() == pytest.approx([0.8, 0.8, 10, 9])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(4, 4, 4, 8, 0)], "has no extent"),
        ([(8, 4, 4, 8, 0)], "x0, y0, x1, y1 are wanted"),
        ([(float("nan"), 4, 9, 8, 0)], "has no extent"),
        ([(-1, 0, 5, 5, 0)], "not inside of an image of 16×20"),
        ([(0, 0, 21, 5, 0)], "cut boxes at the image's edge"),
        ([(0, 0, 5, 5, 2)], r"class 2 is not among 2 \(cat, dog\)"),
        ([(0, 0, 5, 5, -1)], "is not among 2"),
    ],
)
def test_boxes_that_do_not_fit(rows, words):
    with pytest.raises(ValueError, match="task 'objects', image 1") as told:
        box_targets(TASK, [boxes(), boxes(*rows)], (16, 20))
    with pytest.raises(ValueError, match=words):
        raise told.value


def test_shapes_and_strides_that_do_not_fit():
    with pytest.raises(ValueError, match=r"boxes are \[M, 4\]"):
        box_targets(TASK, [Boxes(torch.zeros(2, 5), torch.zeros(2).long())], (16, 16))
    for stride in (0, -4, 2.5, True):
        with pytest.raises(ValueError, match="the stride must be a whole number above zero"):
            detection("objects", ["cat"], stride=stride)
    assert detection("objects", ["cat"], stride=np.int64(8)).grid((20, 20)) == (3, 3)
