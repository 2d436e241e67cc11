"""Boxes over an image: where the labels and the answers are, with their names."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch

from mtl_utils.datasets import Boxes
from mtl_utils.datasets.moving_scenes import Detections
from mtl_utils.plotting import show_objects

IMAGE = torch.zeros(3, 20, 30, dtype=torch.uint8)


def test_labels_and_answers_are_drawn_at_their_edges():
    boxes = Boxes(torch.tensor([[2.0, 4.0, 12.0, 10.0], [15.0, 1.0, 30.0, 20.0]]), torch.tensor([1, 0]))
    ax = show_objects(IMAGE, boxes, ["cat", "dog"], title="labels")
    first, second = ax.patches
    # Pixel (0, 0) is drawn around the point (0, 0).
    assert (*first.get_xy(), first.get_width(), first.get_height()) == (1.5, 3.5, 10, 6)
    assert (*second.get_xy(), second.get_width(), second.get_height()) == (14.5, 0.5, 15, 19)
    assert [text.get_text() for text in ax.texts] == ["dog", "cat"] and ax.get_title() == "labels"
    assert first.get_edgecolor() != second.get_edgecolor()
    found = Detections(boxes.corners, torch.tensor([0.9, 0.42]), boxes.classes, torch.zeros(2, 2).long())
    assert [text.get_text() for text in show_objects(IMAGE, found, ["cat", "dog"]).texts] == ["dog 0.90", "cat 0.42"]
    assert not show_objects(IMAGE, None, ["cat"]).patches
    plt.close("all")
