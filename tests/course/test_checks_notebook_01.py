"""The checks of notebook 01 accept what is right, and refuse what is wrong with its own hint."""

import torch
from answers import common_tests

from mtl_utils.course.checks import notebook_01 as check

SHAPES = {
    "classification": (5,),
    "regression": (5, 2),
    "pixel classification": (5, 64, 64),
    "pixel regression": (5, 1, 64, 64),
}


def box(mask: torch.Tensor) -> tuple[int, ...]:
    rows, columns = torch.nonzero(mask, as_tuple=True)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def shared(first: torch.Tensor, second: torch.Tensor) -> int:
    return len({n for n in first.flatten().tolist() if n >= 0} & {n for n in second.flatten().tolist() if n >= 0})


def masked(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    present = ~target.isnan()
    return (output[present] - target[present]).abs().mean()


RIGHT = [
    (check.shapes_of_targets, SHAPES),
    (check.shapes_of_targets, {kind: torch.Size(shape) for kind, shape in SHAPES.items()}),
    (check.rows_of_both, 17),
    (check.box_of_a_mask, box),
    (check.box_of_a_mask, lambda mask: torch.tensor(box(mask)).float()),
    (check.shared_sources, shared),
    (check.shared_sources, lambda a, b: torch.tensor(shared(a, b))),
    (check.measured_accuracy, lambda a, p, c: a * (1 - p) + (1 - a) * p / (c - 1)),
    (check.masked_absolute_error, masked),
    (check.change_of_unit, (100, 10_000)),
    (check.change_of_unit, [100.0, 1e4]),
]

WRONG = [
    (check.shapes_of_targets, {"classification": (5,)}, "with the keys"),
    (check.shapes_of_targets, SHAPES | {"classification": (5, 11)}, "one number for each image"),
    (check.shapes_of_targets, SHAPES | {"pixel classification": (5, 11, 64, 64)}, "one class number for each pixel"),
    (check.shapes_of_targets, SHAPES | {"pixel regression": (5, 64, 64)}, "one value is a dimension too"),
    (check.shapes_of_targets, SHAPES | {"regression": (5,)}, "look at the regression again"),
    (check.shapes_of_targets, SHAPES | {"pixel classification": (5, 3, 64, 64)}, "look at the pixel classification again"),
    (check.rows_of_both, "many", "whole number"),
    (check.rows_of_both, 22, "on the 36×36 canvas"),
    (check.rows_of_both, 28, "ends at row 27"),
    (check.rows_of_both, 16, "count the k"),
    (check.box_of_a_mask, 4, "a function"),
    (check.box_of_a_mask, lambda mask: box(mask)[:2], "four numbers"),
    (check.box_of_a_mask, lambda mask: [box(mask)[i] for i in (1, 0, 3, 2)], "x counts columns"),
    (check.box_of_a_mask, lambda mask: [n - m for n, m in zip(box(mask), (0, 0, 1, 1), strict=True)], "edges"),
    (check.box_of_a_mask, lambda mask: (*box(mask)[:2], box(mask)[2] - box(mask)[0], box(mask)[3] - box(mask)[1]), "far edges"),
    (check.box_of_a_mask, lambda mask: (3, 2, 8, 6), "one by one"),
    (check.box_of_a_mask, lambda mask: (0, 0, 10, 8), "smallest and the largest"),
    (check.shared_sources, lambda a, b: len(set(a.flatten().tolist()) & set(b.flatten().tolist())), "-100 is no image"),
    (check.shared_sources, lambda a, b: int((torch.isin(b, a) & (b >= 0)).sum()), "counts once"),
    (check.shared_sources, lambda a, b: int((a[0] == b[0]).sum()) * 0, "wherever in the table"),
    (check.shared_sources, lambda a, b: 2, "nothing in common"),
    (
        check.shared_sources,
        lambda a, b: len(set(a.flatten().tolist()) & set(b.flatten().tolist())) - 1,
        "no empty place at all",
    ),
    (
        check.shared_sources,
        lambda a, b: len({n for n in a.flatten().tolist() if n > 0} & {n for n in b.flatten().tolist() if n > 0}),
        "image number 0 is an image",
    ),
    (check.measured_accuracy, lambda a, p, c: a * (1 - p), "one part"),
    (check.measured_accuracy, lambda a, p, c: a * (1 - p) + (1 - a) * p, "one case of"),
    (check.measured_accuracy, lambda a, p, c: a * (1 - p) + (1 - a) * p / c, "from the *other* classes"),
    (check.measured_accuracy, lambda a, p, c: a - p, "twice"),
    (check.measured_accuracy, lambda a, p, c: a, "add two cases"),
    (check.measured_accuracy, lambda a, p, c: 0.9 * 0.8 + 0.1 * 0.2 / 4, "any numbers"),
    (check.masked_absolute_error, lambda o, t: (o - t).abs()[~t.isnan()], "one number"),
    (check.masked_absolute_error, lambda o, t: (o - t).abs().mean(), "NaN times zero"),
    (check.masked_absolute_error, lambda o, t: ((o - t).abs() * ~t.isnan()).mean(), "NaN times zero"),
    (check.masked_absolute_error, lambda o, t: (o - t).abs().nan_to_num(0).mean(), "not by all 6"),
    (check.masked_absolute_error, lambda o, t: (o - t).abs().nansum(), "that is the sum"),
    (check.masked_absolute_error, lambda o, t: ((o - t) ** 2).nanmean(), "squared error"),
    (check.masked_absolute_error, lambda o, t: (o - t.nan_to_num(0)).abs().mean(), "no zeros"),
    (check.masked_absolute_error, lambda o, t: masked(o, t).detach() + 0 * o.sum(), "its gradient is not"),
    (check.change_of_unit, (100,), "two numbers"),
    (check.change_of_unit, (10_000, 100), "other way round"),
    (check.change_of_unit, (0.01, 0.0001), "the numbers grow"),
    (check.change_of_unit, (10, 100), "every difference becomes 100 times larger, and so"),
    (check.change_of_unit, (100, 100), "the square of that"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)
