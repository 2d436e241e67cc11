"""Colors that can be told from white."""

import pytest

from mtl_utils.plotting import colors


def test_contrast_by_value() -> None:
    assert colors.contrast("#000000") == pytest.approx(21)
    assert colors.contrast("#FFFFFF") == pytest.approx(1)
    assert colors.contrast("#777777") == pytest.approx(4.48, abs=0.01)  # as WebAIM's contrast checker says
    assert colors.contrast("#FFFFFF", "#777777") == colors.contrast("#777777")


@pytest.mark.parametrize("name", [*colors._TASKS, "anything", "else", "more"])
def test_lines_in_a_tasks_color_and_words_in_its_text_color_can_be_seen_on_white(name: str) -> None:
    color = colors.task_color(name)
    assert colors.contrast(color) >= 3
    assert colors.contrast(colors.pale_color(color)) >= 3
    assert colors.contrast(colors.text_color(color)) >= 4.5


def test_every_color_of_the_palette_can_be_seen_and_gray_can_be_read() -> None:
    assert all(colors.contrast(color) >= 3 for color in colors._PALETTE)
    assert colors.contrast(colors.GRAY) >= 4.5


def test_dark_colors_stay_as_they_are_and_pale_ones_become_darker() -> None:
    assert colors.text_color("#0072B2") == "#0072B2"
    assert colors.contrast(colors.text_color("#E69F00")) < 5  # not darker than needed
    assert colors.contrast(colors.pale_color("#000000")) < 3.3  # not darker than needed
