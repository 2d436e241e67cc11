"""Paths of gradient methods through the two valleys, as CAGrad's and Nash-MTL's papers draw them: makes `two_valleys.npz`.

    python studies/two_valleys.py

Three minutes on one core. 35,000 steps of Adam at 1e-3 from the papers' five starts; the same way with a ten times larger step
and a tenth of the steps, and with plain gradient descent. Every hundredth part of a path is kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mtl_utils.balancing import two_tasks
from mtl_utils.problems import FamoOfTwo, TwoValleys, follow

STEPS, KEPT = 35_000, 100
RESULTS = Path(__file__).with_suffix(".npz")


def methods() -> dict[str, two_tasks.TwoTaskMethod | FamoOfTwo]:
    """The methods of the notebook, new ones each time, since FAMO remembers."""
    return {
        "sum": two_tasks.weighted_sum(),
        "PCGrad": two_tasks.two_task_pcgrad,
        "MGDA": two_tasks.two_task_mgda,
        "CAGrad": two_tasks.two_task_cagrad(0.5),
        "UPGrad": two_tasks.two_task_upgrad,
        "Nash-MTL": two_tasks.two_task_nash(),
        "IMTL-G": two_tasks.two_task_imtl_g,
        "Aligned-MTL": two_tasks.two_task_aligned,
        "FAMO": FamoOfTwo(),
    }


def sliders() -> dict[str, two_tasks.TwoTaskMethod]:
    """CAGrad's c, and the weight of the first task in the sum."""
    tenths = [round(0.1 * i, 1) for i in range(1, 10)]
    return {f"CAGrad c={c}": two_tasks.two_task_cagrad(c) for c in [0.0, *tenths]} | {
        f"sum share={share}": two_tasks.weighted_sum(share) for share in tenths
    }


def main() -> None:
    """Compute all paths, and write them as one array for each way of stepping; no pickle."""
    torch.set_num_threads(1)
    found: dict[str, np.ndarray] = {"starts": np.array(TwoValleys.starts)}
    for way, chosen, steps, settings in (
        ("adam", methods() | sliders(), STEPS, {"learning_rate": 1e-3}),
        ("adam x10", methods(), STEPS // 10, {"learning_rate": 1e-2}),
        ("sgd", methods(), STEPS, {"learning_rate": 1e-2, "optimizer": "sgd"}),
    ):
        paths = follow(chosen, steps=steps, every=steps // KEPT, **settings)
        found[f"{way} names"] = np.array(list(paths))
        found[f"{way} steps"] = np.arange(KEPT + 1) * (steps // KEPT)
        found[f"{way} paths"] = torch.stack(list(paths.values())).float().numpy()
    np.savez_compressed(RESULTS, **found)


if __name__ == "__main__":
    main()
