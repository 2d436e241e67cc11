"""Checks of the exercises of notebook 02, one network per task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mtl_utils.course.checks.check import Verdict, call, close, is_number, judge
from mtl_utils.measures.intervals import mean_interval
from mtl_utils.penalties.l1_l2 import L2
from mtl_utils.randomness import generator, seeded
from mtl_utils.tasks import MISSING_CLASS

VALIDATION = {0.0005: 0.871, 0.002: 0.894, 0.01: 0.889}
TEST = {0.0005: 0.864, 0.002: 0.883, 0.01: 0.887}
ACCURACIES = (88.1, 89.4, 87.0, 88.9, 88.6)


def parameters_of_lenet(answer: int) -> Verdict:
    """02.1: how many parameters a LeNet with one head of ten classes has."""
    return judge(
        "02.1",
        answer,
        [
            (is_number, "give a whole number"),
            (lambda a: a != 21_330, "that is the encoder alone: add the head, 50·10 weights and 10 biases"),
            (lambda a: a != 21_750, "nearly: every output channel and every unit also has a bias"),
            (lambda a: a != 43_680, "that is for two tasks; count one network"),
            (lambda a: a == 21_840, "count per layer (inputs·kernel area + 1)·outputs: 260, 5,020, 16,050, and the head"),
        ],
        "right: 260 + 5,020 + 16,050 + 510 = 21,840. The dense layer has most of them",
    )


def accuracy(function: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """02.5: accuracy from outputs and targets, some of which are missing."""
    output = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 0.0, 5.0], [4.0, 0.0, 1.0]])
    target = torch.tensor([0, 2, MISSING_CLASS, 0])

    def value(f: Callable[[Tensor, Tensor], Any]) -> float:
        return float(call(f, output, target))

    return judge(
        "02.5",
        function,
        [
            (callable, "write a function"),
            (lambda f: is_number(call(f, output, target)), "return one number: the share of right answers among the labelled"),
            (lambda f: not close(value(f), 2), "that is the number of right answers; divide it by the number of labels"),
            (lambda f: not close(value(f), 200 / 3), "give a share from 0 to 1, not percent"),
            (lambda f: not close(value(f), 2 / 4), "an image without a label (-100) is neither right nor wrong: leave it out"),
            (lambda f: close(value(f), 2 / 3), "compare output.argmax(1) with the target where the target is not -100"),
            (
                lambda f: close(float(call(f, output[:1], target[:1])), 1.0),
                "for one image that is right the accuracy must be 1",
            ),
        ],
        "right: missing labels do not count",
    )


def l2_penalty(function: Callable[[nn.Module, float], Any]) -> Verdict:
    """02.3: the L2 penalty of a model's weights."""
    # A convolution has weights of four dimensions, and a batch norm some of one, which tell a rule about dimensions from one
    # about names, about linear layers or about matrices.
    with seeded(0), torch.no_grad():
        model = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3, 1))
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(1)))
    expected = float(L2(0.1)(model).detach())
    by_name = 0.05 * float(sum(p.detach().square().sum() for name, p in model.named_parameters() if "weight" in name))
    with_biases = 0.05 * float(sum(p.detach().square().sum() for p in model.parameters()))
    weights = [p.detach() for p in model.parameters() if p.dim() > 1]
    matrices = 0.05 * float(sum(w.square().sum() for w in weights if w.dim() == 2))
    norm = 0.05 * float(sum(w.norm() for w in weights))
    absolute = 0.1 * float(sum(w.abs().sum() for w in weights))
    not_scaled = expected / 0.1

    def value(f: Callable[[nn.Module, float], Any]) -> float:
        return float(torch.as_tensor(call(f, model, 0.1)).detach())

    return judge(
        "02.3",
        function,
        [
            (callable, "write a function"),
            (lambda f: is_number(call(f, model, 0.1)), "return one number: the sum over all weights"),
            (lambda f: not close(value(f), 2 * expected), "do not forget the ½: its derivative is then exactly λ·θ"),
            (lambda f: not close(value(f), with_biases), "leave out the biases: only what has more than one dimension counts"),
            (lambda f: not close(value(f), by_name), "a batch norm's `weight` has one dimension only: it does not count"),
            (lambda f: not close(value(f), matrices), "a convolution's weights count, too: they have four dimensions, not two"),
            (lambda f: not close(value(f), absolute), "that is L1: L2 takes squares"),
            (lambda f: not close(value(f), norm), "sum the squares; there is no square root"),
            (lambda f: not close(value(f), not_scaled), "multiply with the strength λ"),
            (lambda f: close(value(f), expected), "½·λ·Σθ² over all weights with more than one dimension"),
            (lambda f: call(f, model, 0.1).requires_grad, "the result must keep its graph: no .item(), no .detach()"),
        ],
        "right, the same as mtl_utils.penalties.L2",
    )


def chosen_learning_rate(answer: float) -> Verdict:
    """02.2: which learning rate to take, given validation and test accuracies."""
    return judge(
        "02.2",
        answer,
        [
            (is_number, "give the learning rate itself, a number such as 0.0005"),
            (
                lambda a: a != 0.01,
                "that one is best on the *test* images. If you choose by them, their accuracy is no honest forecast any more",
            ),
            (lambda a: a in VALIDATION, f"choose one of {list(VALIDATION)}"),
            (lambda a: a == 0.002, "which one has the highest accuracy on validation?"),
        ],
        "right: you chose on validation. Report its test accuracy, 0.883, although another rate has a higher one",
    )


def half_width(answer: float) -> Verdict:
    """02.4: half the 95 % interval of a mean over five seeds."""
    numbers = torch.tensor(ACCURACIES, dtype=torch.float64)
    expected = mean_interval(ACCURACIES).half_width
    std, root = float(numbers.std()), len(ACCURACIES) ** 0.5
    return judge(
        "02.4",
        answer,
        [
            (is_number, "give a number"),
            (lambda a: not close(a, std, 0.005), "that is the spread of single runs; the mean of n runs varies √n times less"),
            (
                lambda a: not close(a, 1.96 * std / root, 0.005),
                "1.96 is for very many runs; for five, Student's t with 4 degrees of freedom is 2.776",
            ),
            (
                lambda a: not close(a, 2.776 * float(numbers.std(correction=0)) / root, 0.005),
                "divide the squares by n − 1, not by n (torch.std does)",
            ),
            (lambda a: not close(a, 2.776 * std, 0.005), "divide by √n: give the interval of the mean"),
            (lambda a: not close(a, 2 * expected, 0.005), "that is the whole interval; give half of it"),
            # As coarse as somebody rounds who thinks of the accuracies' one decimal; the mistakes above are further away.
            (lambda a: close(a, expected, 0.017), "2.776 · standard deviation / √5"),
        ],
        "right: with five runs we know the mean to about one point",
    )
