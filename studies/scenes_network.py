"""Trains the network that notebook 09 shows in its clip, longer than a notebook may: 1,500 steps, about two minutes.

    python studies/scenes_network.py    # writes scenes_network.safetensors beside itself

The same network, optimizer and weights as in `scenes.py`, more videos and more steps.
"""

from pathlib import Path

import scenes as study

from mtl_utils import datasets, models

VIDEOS, STEPS, SEED = 600, 1500, 7
FILE = Path(__file__).with_suffix(".safetensors")

if __name__ == "__main__":
    data = datasets.moving_scenes(VIDEOS, 40, 40, source="FashionMNIST", size=study.SIZE, seed=SEED).pairs()
    model = study.train(data, study.TASKS, study.tuned_weights(), SEED, steps=STEPS)
    models.save_weights(model, FILE)
