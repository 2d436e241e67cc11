"""Eight ways of sharing and their yardstick on two problems, with two budgets and eight seeds.

    python studies/ways_of_sharing.py [--jobs 2]

Every finished run is in `ways_of_sharing_PROBLEM_EPOCHS.csv` before the next begins. Notebooks 07 and 08 draw and claim from
these tables, and repeat a slice of them.
"""

import argparse
from functools import partial
from pathlib import Path

import torch

from mtl_utils import datasets, experiments, models, penalties, training

HERE = Path(__file__).parent
LEARNING_RATE, BATCH, SEEDS, EPOCHS = 3e-3, 64, range(8), (3, 30)


def lenet_with_norm(shape, **sizes):
    """LeNet with batch norm at the end of each stage, so that no way of sharing wins by normalization alone."""
    encoder = models.lenet(shape, **sizes)
    encoder.conv1.append(torch.nn.BatchNorm2d(encoder.conv1[0].out_channels))
    encoder.conv2.append(torch.nn.BatchNorm2d(encoder.conv2[0].out_channels))
    encoder.dense.append(torch.nn.BatchNorm1d(encoder.dense[1].out_features))
    return encoder


def two_digits(seed):
    """MultiMNIST: two tasks of one kind whose answers say nothing about each other."""
    return datasets.multi_mnist(train=700, val=300, test=1000, seed=seed)


def few_labels(seed):
    """Digits of which 100 are labelled with their class, all with two attributes that follow from it."""
    data = datasets.digits(train=800, val=300, test=1000, attributes=("large", "loop"), seed=seed)
    return data.with_train(datasets.with_few_labels(data.train, "digit", 100, seed=seed))


PROBLEMS = {"two_digits": two_digits, "few_labels": few_labels}
WAYS = {
    "hard sharing": models.hard_sharing,
    "hard sharing, wider": partial(models.hard_sharing, partial(lenet_with_norm, channels=(14, 28), features=74)),
    "twin columns": models.twin_columns,
    "cross-stitch": models.cross_stitch,
    "NDDR": models.nddr,
    "MTAN": models.mtan,
    "MMoE": models.mixture_of_experts,
    "CGC": models.customized_gate_control,
}


def ways_for(data):
    """Each way as `experiments.compare` takes it."""
    made = {}
    for name, way in WAYS.items():
        build = way if isinstance(way, partial) else partial(way, lenet_with_norm)
        penalty = partial(penalties.DecoupledDistancePenalty, 100, LEARNING_RATE) if name == "twin columns" else None
        made[name] = experiments.Way(_Make(build, data), penalty=penalty)
    return made


class _Make:
    """Makes a model for the data of the same seed."""

    def __init__(self, build, data):
        self.build, self.data = build, data

    def __call__(self, seed):
        return self.build(self.data(seed), seed=seed)


def table(problem, epochs, *, seeds=SEEDS, ways=None, results=None, jobs=1, progress=True):
    """The runs of one problem and budget."""
    data = PROBLEMS[problem]
    chosen = {name: way for name, way in ways_for(data).items() if ways is None or name in ways}
    return experiments.compare(
        chosen, data, seeds=seeds, epochs=epochs, batch_size=BATCH, optimizer=training.adam(LEARNING_RATE),
        baseline="single", encoder=lenet_with_norm, results=results, jobs=jobs, progress=progress,
    )  # fmt: skip


def path_of(problem, epochs):
    """Where the table is."""
    return HERE / f"ways_of_sharing_{problem}_{epochs}.csv"


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--jobs", type=int, default=1, help="processes at a time")
    arguments.add_argument("--ways", nargs="*", default=None, help="only these ways")
    asked = arguments.parse_args()
    for epochs in EPOCHS:
        for problem in PROBLEMS:
            found = table(problem, epochs, results=path_of(problem, epochs), jobs=asked.jobs, ways=asked.ways)
            print(problem, epochs, experiments.summarize(found, baseline="single").to_string(), sep="\n")  # noqa: T201
