"""Sample frames in the lab on loss weights: boxes, motion and maps that follow the training."""

import io

import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from mtl_utils import datasets, lab, models
from mtl_utils.lab.views.map_samples import MapSamples
from mtl_utils.plotting import task_colors


@pytest.fixture(scope="module")
def data():
    return datasets.moving_scenes(4, 2, 2, source="MNIST", frames=3, size=32).pairs()


def perfect(split):
    """The outputs of a network that knows the targets."""
    targets = split.targets
    classes = len(split.task("detection").classes)
    heat = torch.logit(targets["detection"][:, :classes].clamp(max=0.99), 1e-3)
    return {
        "detection": torch.cat([heat, targets["detection"][:, classes:].nan_to_num(0)], 1),
        "segmentation": torch.nn.functional.one_hot(targets["segmentation"].long(), classes + 1).movedim(-1, 1).float(),
        "depth": targets["depth"],
        "tracking": targets["tracking"].nan_to_num(0),
    }


def view_of(split):
    return MapSamples(Figure(), 0.3, split, task_colors(list(split.targets)))


def test_perfect_answers_are_drawn_where_the_objects_are(data) -> None:
    split = data.train.subset([1, 4])
    view = view_of(split)
    outputs = perfect(split)
    view.update(outputs)
    for number in range(2):
        pictures = view._pictures[number]
        assert (pictures["segmentation"].get_array() == split.targets["segmentation"][number].numpy()).all()
        assert (pictures["depth"].get_array() == split.targets["depth"][number, 0].numpy()).all()
        found = view._boxes(outputs)[number].boxes
        x, _ = view._lines[number]["detection"].get_data()
        assert len(x) == 6 * len(found)
        moved = view._lines[number]["tracking"].get_data()[0]
        assert len(moved) == 3 * len(found)
    counts = [int((split.targets["detection"][n, :10] == 1).sum()) for n in range(2)]
    assert (
        view.words(outputs)
        == f"Boxes found in the frames shown: {counts[0]}, {counts[1]} (there are {counts[0]}, {counts[1]})."
    )


def test_nothing_found_draws_nothing(data) -> None:
    split = data.train.subset([1, 4])
    view = view_of(split)
    outputs = perfect(split)
    outputs["detection"] = torch.full_like(outputs["detection"], -9.0)
    view.update(outputs)
    assert len(view._lines[0]["detection"].get_data()[0]) == 0
    view.clear()
    assert torch.tensor(view._pictures[0]["depth"].get_array().filled(float("nan"))).isnan().all()


def test_the_lab_shows_samples_that_follow_the_training(data) -> None:
    made = lab.LossWeightLab(
        lambda seed: models.scene_network(data, channels=(4, 8, 8, 8), width=8, hidden=8, seed=seed),
        data, weights=dict.fromkeys(data.train.targets, 1.0), scale="logarithmic", limits=(0.01, 10.0),
        samples=data.val.subset([1, 4]), steps=12, batch_size=6, validate_every=6,
    )  # fmt: skip
    width, height = Image.open(io.BytesIO(made.picture)).size
    made.run(5)
    early = made.picture
    assert "Boxes found in the frames shown" in made.status
    made.run(5)
    below = [
        Image.open(io.BytesIO(picture)).convert("RGB").crop((0, int(height * 0.72), width, height)).tobytes()
        for picture in (early, made.picture)
    ]
    assert below[0] != below[1]
    made.reset()
    made.close()


def test_tasks_without_maps_are_refused() -> None:
    split = datasets.multi_mnist(4, 4, 4).val
    with pytest.raises(ValueError, match="none of the tasks"):
        view_of(split)
