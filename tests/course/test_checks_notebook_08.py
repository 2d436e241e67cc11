"""The checks of notebook 08 accept what is right, and refuse what is wrong with its own hint."""

import torch
from answers import common_tests

from mtl_utils import datasets, models
from mtl_utils.course.checks import notebook_08 as check

LEFT, RIGHT_ONLY, BOTH = {"left"}, {"right"}, {"left", "right"}
READERS = dict(zip(check.PARTS, (BOTH, LEFT, BOTH, LEFT, LEFT, RIGHT_ONLY), strict=True))


def by_hand(x, y, *, centred=True, root=False, divisor=True):
    if centred:
        x, y = x - x.mean(0), y - y.mean(0)
    top = (y.T @ x).norm() if root else (y.T @ x).norm() ** 2
    return float(top / ((x.T @ x).norm() * (y.T @ y).norm())) if divisor else float(top)


RIGHT = [
    (check.readers_of_parts, READERS),
    (check.readers_of_parts, {part: sorted(tasks) for part, tasks in READERS.items()}),
    (check.readers_of_parts, {part: next(iter(tasks)) if len(tasks) == 1 else tasks for part, tasks in READERS.items()}),
    (check.mixture, lambda s, f: (s.softmax(1).unsqueeze(-1) * torch.stack(f, 1)).sum(1)),
    (check.mixture, lambda s, f: torch.einsum("ne,enf->nf", s.softmax(1), torch.stack(f))),
    (check.cka_by_hand, by_hand),
    (check.cka_by_hand, lambda x, y: torch.tensor(by_hand(x, y))),
]
WRONG = [
    (check.readers_of_parts, {"encoder.conv1": LEFT}, "give a dictionary"),
    (check.readers_of_parts, READERS | {"head of left": {"middle"}}, "'left', 'right' or both"),
    (check.readers_of_parts, READERS | {"encoder.conv1": LEFT}, "the one encoder"),
    (check.readers_of_parts, READERS | {"attention of left to conv1": BOTH}, "handed to `left` alone"),
    (check.readers_of_parts, READERS | {"onward from conv1": LEFT}, "one for all tasks"),
    (check.readers_of_parts, READERS | {"dense of left": BOTH}, "after the attended features"),
    (check.readers_of_parts, READERS | {"head of left": BOTH}, "a head answers"),
    (check.readers_of_parts, READERS | {"attention of right to conv2": BOTH}, "belongs to `right`"),
    (check.readers_of_parts, READERS | {"attention of left to conv1": set()}, "belongs to `left`"),
    (check.mixture, 3, "a function"),
    (check.mixture, lambda s, f: torch.stack(f), "shape of one expert"),
    (check.mixture, lambda s, f: torch.einsum("ne,enf->nf", s, torch.stack(f)), "not weights yet"),
    (check.mixture, lambda s, f: torch.einsum("ne,enf->nf", s.softmax(0), torch.stack(f)), "not over the images"),
    (check.mixture, lambda s, f: torch.stack(f).mean(0), "plain mean"),
    (check.mixture, lambda s, f: f[0], "for each image"),
    (check.cka_by_hand, 1.0, "a function"),
    (check.cka_by_hand, lambda x, y: x.T @ x, "one number"),
    (check.cka_by_hand, lambda x, y: by_hand(x, y, divisor=False), "divide by"),
    (check.cka_by_hand, lambda x, y: by_hand(x, y, root=True), "divide by"),
    (check.cka_by_hand, lambda x, y: by_hand(x, y, centred=False), "mean over the images"),
    (check.cka_by_hand, lambda x, y: by_hand(x, y) ** 0.5, "Frobenius"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)


def test_the_readers_are_those_of_the_model():
    parts = {part.name: set(part.tasks) for part in models.mtan(models.lenet, datasets.multi_mnist(8, 8, 8)).parts()}
    assert {name: parts[name] for name in check.PARTS} == READERS
