"""Pictures of sizes that do not fit are refused, instead of showing something else."""

import pytest
import torch

from mtl_utils import plotting
from mtl_utils.plotting import plot_alphas, plot_front, plot_similarity, show_class_map, show_split


def test_sizes_that_do_not_fit_are_told(two_digits):
    with pytest.raises(ValueError, match=r"points must come as \[N, 2\].*not in the shape \(2, 3\): transposed"):
        plot_front([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    with pytest.raises(ValueError, match=r"α of stage 'conv1' must be \[T, T, C\] for 2 tasks, not \(3, 3, 4\)"):
        plot_alphas({"conv1": torch.ones(3, 3, 4)}, ["left", "right"])
    with pytest.raises(ValueError, match=r"the similarities are \(1, 2\), the names 2 rows and 2 columns"):
        plot_similarity([[0.1, 0.2]], ["a", "b"], ["c", "d"])
    with pytest.raises(ValueError, match=r"a class map is .* numbers from 0 .background. to 2"):
        show_class_map(torch.full((8, 8), 3), ["a", "b"])
    with pytest.raises(ValueError, match="this split has no task 'typo'"):
        show_split(two_digits.test, 2, answers={"typo": torch.zeros(40)})
    with pytest.raises(ValueError, match="task 'left': 3 answers for 40 images"):
        show_split(two_digits.test, 2, answers={"left": torch.zeros(3)})


def test_a_similarity_just_below_zero_is_zero():
    ax = plotting.plot_similarity([[-0.001]], ["a"], ["b"])
    assert [text.get_text() for text in ax.texts] == ["0.00"]
