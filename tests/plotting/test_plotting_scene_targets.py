"""Targets on a grid as pictures, and prices in columns."""

import matplotlib.pyplot as plt
import pytest
import torch

from mtl_utils import datasets, plotting


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def split():
    return datasets.moving_scenes(2, 1, 1, source="MNIST", frames=3, size=48).train.pairs()


def test_heat_has_a_box_for_each_center(split) -> None:
    heat, size, offset = (maps[1] for maps in split.task("detection").split(split.targets["detection"][:2]))
    ax = plotting.show_heat(heat, split.images[1, :3], size=size, offset=offset)
    centers = int((~size[0].isnan()).sum())
    assert len(ax.patches) == centers
    drawn = sorted((round(box.get_width(), 3), round(box.get_height(), 3)) for box in ax.patches)
    cells = torch.nonzero(~size[0].isnan())
    assert drawn == sorted(tuple(round(4 * value, 3) for value in size[:, y, x].tolist()) for y, x in cells.tolist())
    assert ax.images[-1].get_array().max() == 1


def test_an_arrow_for_each_displacement(split) -> None:
    displacement = split.targets["tracking"][1]
    ax = plotting.show_displacements(displacement, split.images[1, :3])
    assert len(ax.texts) == int((~displacement[0].isnan()).sum())
    nothing = plotting.show_displacements(split.targets["tracking"][0], split.images[0, :3])
    assert not nothing.texts


def test_prices_have_a_column_for_each_measure_and_a_dot_for_each_seed() -> None:
    prices = {"apart": {"AP": [0.4, 0.5, 0.6], "ms": [3.0]}, "shared": {"AP": [0.3, 0.4, 0.2]}}
    axes = plotting.plot_prices(prices, labels={"AP": "AP →"})
    assert [ax.get_xlabel() for ax in axes] == ["AP →", "ms"]
    dots = [line for line in axes[0].lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [3, 3]
    assert [text.get_text() for text in axes[0].get_yticklabels()] == ["apart", "shared"]
    assert sum(line.get_marker() == "o" for line in axes[1].lines) == 1  # the second way has no price there
