"""The checks of notebook 02's exercises accept right answers and meet likely wrong ones with a hint of their own."""

import numpy as np
import torch
from answers import common_tests

from mtl_utils import datasets
from mtl_utils.course.checks import notebook_02 as check
from mtl_utils.measures.intervals import mean_interval
from mtl_utils.penalties.l1_l2 import L1, L2

SPREAD = torch.tensor(check.ACCURACIES).std().item()
HALF = mean_interval(check.ACCURACIES).half_width


def accuracy(output, target):
    labelled = target != -100
    return (output.argmax(1) == target)[labelled].float().mean()


def penalty(model, strength):
    total = 0
    for parameter in model.parameters():
        if parameter.dim() > 1:
            total = total + (parameter**2).sum()
    return strength / 2 * total


def weights(model):
    return [parameter for parameter in model.parameters() if parameter.dim() > 1]


RIGHT = [
    (check.parameters_of_lenet, 21_840),
    (check.parameters_of_lenet, torch.tensor(21_840)),
    (check.parameters_of_lenet, np.int64(21_840)),
    (check.accuracy, accuracy),
    (check.accuracy, lambda o, t: accuracy(o, t).item()),
    (check.l2_penalty, penalty),
    (check.l2_penalty, lambda model, strength: L2(strength)(model)),
    (check.chosen_learning_rate, 0.002),
    (check.chosen_learning_rate, 2e-3),
    (check.half_width, HALF),
    (check.half_width, torch.tensor(HALF)),
    (check.half_width, 2.776 * SPREAD / 5**0.5),
    (check.half_width, round(HALF, 2)),
    (check.half_width, round(HALF, 1)),
    (check.half_width, np.float32(HALF)),
]

WRONG = [
    (check.parameters_of_lenet, 21_330, "that is the encoder alone"),
    (check.parameters_of_lenet, 21_750, "also has a bias"),
    (check.parameters_of_lenet, 43_680, "that is for two tasks"),
    (check.parameters_of_lenet, 22_350, "count per layer"),
    (check.parameters_of_lenet, "21840", "give a whole number"),
    (check.accuracy, lambda o, t: (o.argmax(1) == t).sum(), "that is the number of right answers"),
    (check.accuracy, lambda o, t: 100 * accuracy(o, t), "not percent"),
    (check.accuracy, lambda o, t: (o.argmax(1) == t).float().mean(), "neither right nor wrong: leave it out"),
    (check.accuracy, lambda o, t: o.argmax(1) == t, "return one number"),
    (check.accuracy, lambda o, t: (o.argmin(1) == t).float().mean(), "compare output.argmax(1)"),
    (check.accuracy, lambda o, t: 2 / 3, "for one image that is right"),
    (check.accuracy, lambda o, t: (o.argmax(0) == t).float().mean(), "your function raised RuntimeError"),
    (check.accuracy, 2 / 3, "write a function"),
    (check.l2_penalty, lambda m, s: 2 * penalty(m, s), "do not forget the ½"),
    (check.l2_penalty, lambda m, s: s / 2 * sum((p**2).sum() for p in m.parameters()), "leave out the biases"),
    (
        check.l2_penalty,
        lambda m, s: s / 2 * sum((p**2).sum() for name, p in m.named_parameters() if "weight" in name),
        "a batch norm's `weight` has one dimension only",
    ),
    (
        check.l2_penalty,
        lambda m, s: s / 2 * sum(w.square().sum() for w in weights(m) if w.dim() == 2),
        "a convolution's weights",
    ),
    (
        check.l2_penalty,
        lambda m, s: s / 2 * sum(layer.weight.square().sum() for layer in m if isinstance(layer, torch.nn.Linear)),
        "a convolution's weights",
    ),
    (check.l2_penalty, lambda m, s: L1(s)(m), "that is L1"),
    (check.l2_penalty, lambda m, s: s / 2 * sum(w.norm() for w in weights(m)), "there is no square root"),
    (check.l2_penalty, lambda m, s: penalty(m, 1.0), "multiply with the strength"),
    (check.l2_penalty, lambda m, s: penalty(m, s).item(), "the result must keep its graph"),
    (check.l2_penalty, lambda m, s: penalty(m, s).detach(), "the result must keep its graph"),
    (check.l2_penalty, lambda m, s: penalty(m, s) ** 2, "½·λ·Σθ²"),
    (check.l2_penalty, lambda m, s: [w.square() for w in weights(m)], "return one number"),
    (check.l2_penalty, lambda m: 0.0, "your function raised TypeError"),
    (check.l2_penalty, 0.5, "write a function"),
    (check.chosen_learning_rate, 0.01, "that one is best on the *test* images"),
    (check.chosen_learning_rate, 0.0005, "which one has the highest accuracy on validation"),
    (check.chosen_learning_rate, 0.003, "choose one of"),
    (check.chosen_learning_rate, 0.894, "choose one of"),
    (check.chosen_learning_rate, "0.002", "give the learning rate itself"),
    (check.half_width, SPREAD, "the spread of single runs"),
    (check.half_width, 1.96 * SPREAD / 5**0.5, "1.96 is for very many runs"),
    (check.half_width, 2.776 * SPREAD * (4 / 5) ** 0.5 / 5**0.5, "divide the squares by n − 1"),
    (check.half_width, 2.776 * SPREAD, "divide by √n"),
    (check.half_width, 2 * HALF, "the whole interval"),
    (check.half_width, SPREAD / 5**0.5, "2.776 · standard deviation"),
    (check.half_width, (87.2, 89.5), "give a number"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)


def test_the_numbers_in_the_praise_are_so():
    from mtl_utils import models

    made = datasets.digits(10, 5, 5, attributes=())
    assert models.count_parameters(models.single_task(models.lenet, made, "digit")) == 21_840
    assert max(check.VALIDATION, key=check.VALIDATION.get) == 0.002
    assert max(check.TEST, key=check.TEST.get) == 0.01
    assert check.TEST[0.002] == 0.883
    assert 0.9 < HALF < 1.3
