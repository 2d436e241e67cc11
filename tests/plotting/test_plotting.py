"""Figures: each function draws on the axes it is given, returns them, and shows the numbers it got."""

import math

import matplotlib as mpl
import pytest
import torch

mpl.use("agg")

import matplotlib.pyplot as plt
from every_way import WAYS_OF_SHARING
from matplotlib.colors import to_hex, to_rgba
from matplotlib.patches import FancyBboxPatch

from mtl_utils import models, plotting
from mtl_utils.evaluation import Evaluation
from mtl_utils.measures.intervals import mean_interval
from mtl_utils.plotting.axes import axes_grid
from mtl_utils.plotting.colors import SHARED_COLOR
from mtl_utils.training.history import History, Step

NAN = float("nan")


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture
def history():
    steps = [
        Step(n, 1, {"left": 2.0 / n, "right": NAN if n == 2 else 3.0}, {"left": 1.0, "right": n / 10}, None)
        for n in range(1, 7)
    ]
    for number in (3, 6):
        measured = Evaluation({"left": 1.0, "right": 2.0}, {"left": number / 10, "right": 0.5})
        steps[number - 1] = Step(number, 1, steps[number - 1].losses, steps[number - 1].weights, measured)
    return History(steps, "finished", 6)


def line(ax, label):
    return next(each for each in ax.get_lines() if each.get_label() == label)


def test_each_function_draws_on_the_axes_it_is_given_and_makes_new_ones_otherwise(two_digits, shared, history):
    figures = [
        lambda ax: plotting.show_image(two_digits.train.images[0], ax),
        lambda ax: plotting.plot_comparison({"shared": {"left": [1.0, 2.0]}}, ax),
        lambda ax: plotting.plot_spread({"left": {1.0: [1.0, 2.0]}}, ax),
        lambda ax: plotting.plot_joint_errors({"left": torch.tensor([True, False]), "right": torch.tensor([True, True])}, ax),
        lambda ax: plotting.plot_sharing(shared, ax),
        lambda ax: plotting.plot_weights(history, ax),
    ]
    for draw in figures:
        _, ax = plt.subplots()
        before = len(plt.get_fignums())
        assert draw(ax) is ax
        assert len(plt.get_fignums()) == before
        new = draw(None)
        assert len(plt.get_fignums()) == before + 1
        new.figure.canvas.draw()


@pytest.mark.parametrize("shape", [(1, 5, 7), (5, 7), (3, 5, 7)])
def test_an_image_is_shown_as_it_is(shape, ax):
    image = torch.randint(0, 256, shape, dtype=torch.uint8)
    plotting.show_image(image, ax, title="three")
    shown = torch.as_tensor(ax.get_images()[0].get_array())
    assert torch.equal(shown, image.movedim(0, -1) if shape[0] == 3 else image.reshape(5, 7))
    assert ax.get_images()[0].get_clim() == (0, 255)
    assert ax.get_title() == "three"


def test_real_valued_images_go_from_0_to_1(ax):
    plotting.show_image(torch.full((1, 4, 4), 0.5), ax)
    assert ax.get_images()[0].get_clim() == (0, 1)


def test_a_split_is_shown_with_its_labels_and_with_answers(two_digits):
    left, right = (two_digits.train.targets[name] for name in ("left", "right"))
    answers = left.clone()
    answers[3] = (answers[3] + 1) % 10
    grid = plotting.show_split(two_digits.train, 3, first=2, columns=2, answers={"left": answers})
    assert len(grid) == 4
    assert grid[0].get_title() == f"left: {left[2]} ✓\nright: {right[2]}"
    assert grid[1].get_title() == f"left: {left[3]} ✗ ({answers[3]})\nright: {right[3]}"
    assert torch.equal(torch.as_tensor(grid[2].get_images()[0].get_array()), two_digits.train.images[4, 0])
    assert not grid[3].axison


def test_nobody_knows_whether_an_answer_to_a_missing_label_is_right(two_digits):
    left = two_digits.train.targets["left"].clone()
    answers = left.clone()
    left[0] = -100
    title = plotting.show_split(two_digits.train.with_targets(left=left), 1, answers={"left": answers})[0].get_title()
    assert title == f"left: ? ({answers[0]})\nright: {two_digits.train.targets['right'][0]}"


def test_missing_numbers_are_shown_as_such(every_kind):
    place = every_kind.targets["place"].clone()
    place[0] = NAN
    title = plotting.show_split(every_kind.with_targets(place=place), 1)[0].get_title()
    assert title == f"kind: {every_kind.targets['kind'][0]}\nplace: ?"


def test_missing_labels_are_shown_as_such(every_kind):
    split = every_kind.with_targets(kind=torch.where(torch.arange(24) == 0, -100, every_kind.targets["kind"]))
    title = plotting.show_split(split, 1)[0].get_title()
    x, y = split.targets["place"][0].tolist()
    assert title == f"kind: ?\nplace: {x:.1f}, {y:.1f}"


@pytest.mark.parametrize(("count", "first"), [(0, 0), (-1, 0), (3, 320), (3, -1)])
def test_nothing_to_show_is_told(two_digits, count, first):
    with pytest.raises(ValueError, match=r"there is nothing to show"):
        plotting.show_split(two_digits.train, count, first=first)


def test_too_few_axes_are_told(two_digits, ax):
    with pytest.raises(ValueError, match=r"this figure needs 3 axes, 1 were given"):
        plotting.show_split(two_digits.train, 3, axes=[ax])
    assert len(axes_grid(None, 2, 3, size=(1, 1))) == 6


def test_a_history_is_drawn_in_its_tasks_colors(history):
    losses, metrics = plotting.plot_history(history, title="run")
    for name in ("left", "right"):
        assert to_hex(line(losses, name).get_color()).upper() == plotting.task_color(name)
        assert list(line(losses, name).get_xdata()) == [1, 2, 3, 4, 5, 6]
    assert list(line(metrics, "left").get_ydata()) == [0.3, 0.6]
    assert list(line(metrics, "left").get_xdata()) == [3, 6]
    assert losses.get_title() == "run"
    assert [list(each.get_xdata()) for each in metrics.get_lines() if each.get_linestyle() == ":"] == [[6, 6]]


def test_a_history_without_validation_or_steps_can_be_drawn(history):
    bare = History([Step(step.number, 1, step.losses, step.weights) for step in history.steps])
    for each in (bare, History()):
        losses, metrics = plotting.plot_history(each)
        assert metrics.get_lines()[:] == []
        losses.figure.canvas.draw()


def test_weights_over_steps(history, ax):
    plotting.plot_weights(history, ax)
    assert list(line(ax, "right").get_ydata()) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_smoothing_by_hand_passes_over_missing_values():
    assert plotting.smoothed([1.0, 3.0], memory=0.5).tolist() == pytest.approx([1.0, (0.5 * 0.5 * 1 + 0.5 * 3) / 0.75])
    found = plotting.smoothed([NAN, 4.0, NAN, 4.0])
    assert math.isnan(found[0])
    assert found[1:].tolist() == pytest.approx([4, 4, 4])


def test_a_comparison_shows_every_seed_and_the_interval(ax):
    results = {"shared": {"left": [90.0, 92.0, 91.0], "right": [80.0]}, "alone": {"left": [95.0, 96.0]}}
    plotting.plot_comparison(results, ax, title="methods")
    dots = [list(each.get_xdata()) for each in ax.get_lines() if each.get_marker() == "o" and len(each.get_xdata())]
    assert dots == [[90, 92, 91], [80], [95, 96]]
    bars = [container.lines[2][0].get_segments()[0][:, 0].tolist() for container in ax.containers]
    interval = mean_interval(results["shared"]["left"])
    assert bars == [pytest.approx([interval.low, interval.high])]  # one or two runs have no interval worth drawing
    means = [float(each.get_xdata()[0]) for each in ax.get_lines() if each.get_marker() == "|" and len(each.get_xdata()) == 1]
    assert 95.5 in means
    assert [text.get_text() for text in ax.get_yticklabels()] == ["shared", "alone"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["left", "right"]


def results_table(**columns):
    import pandas as pd

    rows = {"way": ["single", "single", "hard"], "task": ["left"] * 3, "split": ["test"] * 3, "seed": [0, 1, 0]}
    rows |= {"metric": [0.5, 0.75, 0.25], "loss": [1.0, 2.0, 3.0], "measure": ["accuracy"] * 3}
    return pd.DataFrame(rows | columns)


def dots(ax):
    return [list(each.get_xdata()) for each in ax.get_lines() if each.get_marker() == "o" and len(each.get_xdata())]


def test_a_comparison_takes_the_table_of_an_experiment(ax):
    plotting.plot_comparison(results_table(), ax, names={"single": "one network per task"})
    assert dots(ax) == [[50, 75], [25]]  # shares in percent
    assert [text.get_text() for text in ax.get_yticklabels()] == ["one network per task", "hard"]
    assert ax.get_xlabel().startswith("test accuracy (%)")


def test_losses_and_errors_of_a_table_are_shown_as_they_are(ax):
    plotting.plot_comparison(results_table(), ax, column="loss")
    assert dots(ax) == [[1, 2], [3]]
    assert ax.get_xlabel().startswith("test loss;")


def test_an_error_of_a_table_is_no_share(ax):
    plotting.plot_comparison(results_table(measure=["mean absolute error"] * 3, split=["val"] * 3), ax, split="val")
    assert dots(ax) == [[0.5, 0.75], [0.25]]
    assert ax.get_xlabel().startswith("val mean absolute error;")


def test_a_table_without_runs_on_the_split_is_refused(ax):
    with pytest.raises(ValueError, match=r"no runs on the split 'val'; it has \['test'\]"):
        plotting.plot_comparison(results_table(), ax, split="val")


def test_a_spread_shows_means_in_a_band_from_the_lowest_to_the_highest(ax):
    plotting.plot_spread({"left": {1: [1.0, 3.0], 2: [2.0, 6.0]}}, ax, colors={"left": "#123456"}, across="width")
    assert list(line(ax, "left").get_ydata()) == [2, 4]
    assert to_hex(line(ax, "left").get_color()) == "#123456"
    corners = ax.collections[0].get_paths()[0].vertices.tolist()
    assert {tuple(corner) for corner in corners} >= {(1, 1), (1, 3), (2, 2), (2, 6)}
    assert ax.get_xlabel() == "width"


def test_joint_errors_by_hand(ax):
    first, second = torch.tensor([True, True, True, False, False]), torch.tensor([True, True, False, False, False])
    assert plotting.joint_errors(first, second).tolist() == [[2, 1], [0, 2]]
    plotting.plot_joint_errors({"left": first, "right": second}, ax)
    texts = [text.get_text() for text in ax.texts]
    assert [text.split("\n")[0] for text in texts] == ["2", "1", "0", "2"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["left correct", "left wrong"]


def test_joint_errors_of_what_does_not_fit_are_told():
    right = torch.tensor([True, False])
    for other in (torch.tensor([True]), torch.tensor([1, 0]), torch.tensor([[True, False]])):
        with pytest.raises(ValueError, match=r"two boolean vectors of one length"):
            plotting.joint_errors(right, other)
    with pytest.raises(ValueError, match=r"compares two tasks, not 1"):
        plotting.plot_joint_errors({"left": right})


def test_shared_parts_are_gray_and_own_ones_in_the_tasks_color(shared, ax):
    plotting.plot_sharing(shared, ax)
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    gray, left, right = (to_rgba(c)[:3] for c in (SHARED_COLOR, plotting.task_color("left"), plotting.task_color("right")))
    assert [box.get_facecolor()[:3] for box in boxes] == [gray, gray, left, right]
    total = models.count_parameters(shared)
    own = sum(parameter.numel() for parameter in shared.heads.parameters())
    assert ax.get_title() == f"{total:,} parameters, {total - own:,} of them shared"
    assert ax.get_legend().get_texts()[0].get_text() == "shared"


WAYS = WAYS_OF_SHARING | {"separate networks": models.separate_networks}


@pytest.mark.parametrize("three", [False, True])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_part_has_a_box_and_no_two_overlap(way, three, two_digits, digits):
    model = way(models.lenet, digits.for_tasks("digit", "even", "random") if three else two_digits)
    ax = plotting.plot_sharing(model)
    ax.figure.canvas.draw()
    words = [text.get_window_extent() for text in ax.texts if "\n" in text.get_text()]
    assert not any(one.overlaps(other) for number, one in enumerate(words) for other in words[number + 1 :])
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    assert len(boxes) == len(model.parts())
    frames = [(b.get_x(), b.get_x() + b.get_width(), b.get_y(), b.get_y() + b.get_height()) for b in boxes]
    for number, (left, right, bottom, top) in enumerate(frames):
        for other_left, other_right, other_bottom, other_top in frames[number + 1 :]:
            assert right <= other_left or other_right <= left or top <= other_bottom or other_top <= bottom


def test_tasks_of_one_figure_have_colors_of_their_own():
    names = ["left", "digit", "detection", "a", "b", "c", "d"]
    colors = plotting.task_colors(names)
    assert len(set(colors.values())) == 7
    assert colors["left"] == plotting.task_color("left")
    assert plotting.task_color("my own task") == plotting.task_color("my own task")
    many = plotting.task_colors([f"task {n}" for n in range(30)])
    assert all(to_rgba(color) for color in many.values())
