"""Who needs CGC's shared expert? Makes `shared_expert.csv`.

    python studies/shared_expert.py

A minute or two on one core. The network, the data and the training are those of section 3 of notebook 08, with more seeds than
fit into a notebook. For each seed every expert is taken away once (its output is zero), and the table has the points of test
accuracy that each task loses.
"""

from __future__ import annotations

import csv
from pathlib import Path

from mtl_utils import analysis, datasets, evaluate, models, training

RESULTS = Path(__file__).with_suffix(".csv")
SEEDS = range(24)
TASKS = ("left", "right")


def points_lost(seed: int, digits: datasets.Splits) -> dict[str, dict[str, float]]:
    """For each expert of one trained network the points that each task loses without it."""
    model = models.customized_gate_control(models.lenet, digits, seed=seed)
    training.fit(model, digits, epochs=3, batch_size=64, seed=seed, optimizer=training.adam(3e-3), progress=False, device="cpu")
    level, whole = model.levels[0], evaluate(model.eval(), digits.test).metrics
    experts = {f"own expert of {task}": level.own[task][0] for task in TASKS} | {"shared expert": level.shared[0]}
    lost = {}
    for name, expert in experts.items():
        with analysis.without(expert):
            ablated = evaluate(model, digits.test).metrics
        lost[name] = {task: 100 * (whole[task] - ablated[task]) for task in TASKS}
    return lost


def main() -> None:
    """Write the table."""
    digits = datasets.multi_mnist(train=1500, val=300, test=2000)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["seed", "without", *TASKS])
        for seed in SEEDS:
            for name, lost in points_lost(seed, digits).items():
                rows.writerow([seed, name, *(f"{lost[task]:.2f}" for task in TASKS)])
            print(f"seed {seed} of {len(SEEDS)} is measured", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
