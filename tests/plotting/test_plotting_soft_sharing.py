"""Pictures of soft sharing show the numbers that they were given."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import torch

from mtl_utils import plotting

mpl.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_alphas_have_a_dot_per_channel_and_a_bar_at_the_mean():
    alphas = {"conv1": torch.rand(2, 2, 5), "dense": torch.rand(2, 2, 1)}
    axes = plotting.plot_alphas(alphas, ["left", "right"], start=0.9)
    assert [ax.get_title() for ax in axes] == ["conv1", "dense"]
    for ax, alpha in zip(axes, alphas.values(), strict=True):
        dots, bars = ax.lines[0:8:2], ax.lines[1:8:2]
        for row, (dot, bar) in enumerate(zip(dots, bars, strict=True)):
            expected = alpha[row // 2, row % 2]
            assert dot.get_xdata().tolist() == pytest.approx(expected.tolist())
            assert bar.get_xdata()[0] == pytest.approx(float(expected.mean()))
    labels = [text.get_text() for text in axes[0].get_yticklabels()]
    assert labels == ["left takes of left", "left takes of right", "right takes of left", "right takes of right"]
    colors = [line.get_color() for line in axes[0].lines[0:8:2]]
    assert colors == [plotting.task_color(name) for name in ("left", "right", "left", "right")]


def test_masks_are_channel_means_of_the_chosen_example():
    masks = {task: {"conv1": torch.rand(3, 4, 6, 6), "conv2": torch.rand(3, 8, 2, 2)} for task in ("left", "right")}
    axes = plotting.plot_masks(torch.zeros(1, 28, 28, dtype=torch.uint8), masks, example=2)
    assert len(axes) == 6
    drawn = torch.as_tensor(axes[5].images[0].get_array())
    torch.testing.assert_close(drawn, masks["right"]["conv2"][2].mean(0))
    assert axes[3].get_ylabel() == "right"
    assert f"{drawn.min():.2f} to {drawn.max():.2f}" in axes[5].get_title()


def test_gates_have_a_dot_per_image_and_a_bar_of_the_mean():
    weights = {"left": torch.rand(7, 2).softmax(1), "right": torch.rand(7, 2).softmax(1)}
    axes = plotting.plot_gates(weights, dict.fromkeys(weights, ("own 1", "shared 1")))
    for ax, (task, given) in zip(axes, weights.items(), strict=True):
        assert task in ax.get_title()
        assert [bar.get_height() for bar in ax.patches] == pytest.approx(given.mean(0).tolist())
        assert [line.get_ydata().tolist() for line in ax.lines] == [pytest.approx(column.tolist()) for column in given.T]
        assert [text.get_text() for text in ax.get_xticklabels()] == ["own 1", "shared 1"]


def test_similarities_are_written_into_their_fields():
    ax = plotting.plot_similarity([[1.0, 0.25], [0.5, 0.125]], ["a", "b"], ["x", "y"], title="CKA")
    assert [text.get_text() for text in ax.texts] == ["1.00", "0.25", "0.50", "0.12"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_title() == "CKA"
