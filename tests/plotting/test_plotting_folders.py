"""Confusion and threshold count what they show."""

from __future__ import annotations

import pytest
import torch

from mtl_utils.plotting import plot_confusion, plot_threshold
from mtl_utils.tasks import classification, regression


def test_confusion_counts_labelled_images():
    task = classification("a", ["x", "y"])
    outputs = torch.tensor([[2.0, 0], [2.0, 0], [0, 2.0], [0, 2.0]])
    ax = plot_confusion(task, outputs, torch.tensor([0, 1, 1, -100]))
    found = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in ax.texts}
    assert found == {(0, 0): "1", (1, 0): "1", (1, 1): "1"}
    assert [label.get_text() for label in ax.get_xticklabels()] == ["x", "y"]
    with pytest.raises(ValueError, match=r"confusion is between classes.*plot outputs against targets"):
        plot_confusion(regression("r"), outputs, torch.zeros(4, 1))


def test_threshold_counts_four_cases():
    ax = plot_threshold(torch.tensor([0.9, 0.5, 0.4, 0.1]), torch.tensor([True, False, True, False]), 0.5)
    assert ax.get_title() == "found 1, missed 1; false alarms 1, rightly quiet 1"
    with pytest.raises(ValueError, match="of one length"):
        plot_threshold(torch.zeros(3), torch.zeros(2, dtype=torch.bool), 0.5)
    plot_threshold(torch.tensor([0.2]), torch.tensor([False]), 0.5)
