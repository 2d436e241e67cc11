"""The example folder is what its docstring says, and nothing is overwritten."""

from __future__ import annotations

import pytest
import torch

from mtl_utils.datasets import (
    FolderError,
    boxes_in_targets,
    from_coco,
    from_table,
    other_pictures,
    write_example_boxes,
    write_example_folder,
)
from mtl_utils.datasets.folders.example import COLORS, GARMENTS


def test_the_folder_reads_as_it_was_written(tmp_path):
    folder = write_example_folder(tmp_path / "g", 60)
    splits = from_table(folder, group="item", size=None)
    kinds = {task.name: task.class_names or task.kind for task in splits.tasks}
    assert kinds == {
        "garment": tuple(sorted(GARMENTS.values())),
        "color": tuple(sorted(COLORS)),
        "stain": ("no", "yes"),
        "light": "regression",
    }
    assert splits.image_shape == (3, 32, 32)
    assert sum(len(files) for files in splits.files.values()) == 120
    assert {file.suffix for file in splits.files["train"]} == {".jpg", ".png"}
    for files in splits.files.values():  # both photographs of an item are in one split
        assert all(sum(other.name[:8] == file.name[:8] for other in files) == 2 for file in files)
    light = torch.cat([getattr(splits, part).targets["light"] for part in ("train", "val", "test")])
    assert 0.6 <= light.min() < 0.7
    assert 1.1 < light.max() <= 1.2


def test_the_same_seed_writes_the_same_files(tmp_path):
    first, second, third = (write_example_folder(tmp_path / str(n), 6, seed=n // 2) for n in range(3))
    content = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (first, second, third)]
    assert content[0] == content[1] != content[2]


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FolderError, match="is not empty"):
        write_example_folder(tmp_path)
    with pytest.raises(ValueError, match="number of garments"):
        write_example_folder(tmp_path / "new", 0)


def test_other_pictures_show_other_things():
    other = other_pictures(50)
    assert len(other) == 50
    assert other.image_shape == (3, 32, 32)
    assert not set(other.tasks[0].class_names) & set(GARMENTS.values())
    assert len(other.tasks[0].class_names) == 15


def test_boxes_hold_the_things_on_the_table(tmp_path):
    folder = write_example_boxes(tmp_path / "table", 30)
    splits = from_coco(folder, "boxes.json", size=None)
    (task,) = splits.tasks
    assert task.classes == ("trousers", "sneaker", "bag")
    seen = 0
    for image, boxes in zip(splits.train.images, boxes_in_targets(task, splits.train.targets["objects"]), strict=True):
        away = (image.float() - image.float().flatten(1).median(1).values.view(3, 1, 1)).abs().mean(0)
        outside = torch.ones_like(away, dtype=torch.bool)
        for x0, y0, x1, y1 in boxes.corners.round().int().tolist():
            assert away[y0:y1, x0:x1].mean() > 12  # a thing; the table is nearly even
            outside[y0:y1, x0:x1] = False
            seen += 1
        assert away[outside].mean() < 12
    assert seen > 15
    again = write_example_boxes(tmp_path / "again", 30)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in again.iterdir()
    }
    with pytest.raises(FolderError, match="is not empty"):
        write_example_boxes(folder, 3)
