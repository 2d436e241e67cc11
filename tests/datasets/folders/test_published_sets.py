"""COCO boxes, Oxford-IIIT Pet and CelebA, on small generated folders of exactly their layout; and describe."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pictures import COLORS, colored, save, write
from PIL import Image

from mtl_utils.datasets import folders
from mtl_utils.datasets.folders import FolderError, celeba, describe, from_table, oxford_pets, read_coco
from mtl_utils.plotting import plot_description
from mtl_utils.tasks import classification, pixel_classification


@pytest.fixture
def pets(tmp_path):
    base = tmp_path / "oxford-iiit-pet"
    for name in ("images", "annotations/trimaps"):
        (base / name).mkdir(parents=True)
    lines = {"trainval": [], "test": []}
    breeds = {"Abyssinian": (1, 1), "american_bulldog": (2, 2)}
    for breed, (number, species) in breeds.items():
        for index in range(20):
            name = f"{breed}_{index}"
            save(base / "images" / f"{name}.jpg", list(COLORS.values())[number], size=(30, 40), number=index)
            trimap = np.full((30, 40), 2, dtype=np.uint8)
            trimap[10:20], trimap[9] = 1, 3
            Image.fromarray(trimap).save(base / "annotations" / "trimaps" / f"{name}.png")
            (base / "annotations" / "trimaps" / f"._{name}.png").write_bytes(b"a Mac's")
            lines["test" if index >= 14 else "trainval"].append(f"{name} {number} {species} 1")
    Image.fromarray(trimap).save(base / "annotations" / "trimaps" / "Egyptian_Mau_14.png")  # of no listed picture
    for split, found in lines.items():
        (base / "annotations" / f"{split}.txt").write_text("\n".join(found) + "\n")
    return tmp_path


def test_pets(pets):
    splits = oxford_pets(pets, size=24)
    assert [task.name for task in splits.tasks] == ["breed", "species", "segmentation"]
    assert splits.tasks[0].class_names == ("Abyssinian", "American Bulldog")
    assert splits.tasks[2] == pixel_classification("segmentation", ("pet", "background", "border"))
    assert (len(splits.train) + len(splits.val), len(splits.test)) == (28, 12)
    assert torch.equal(splits.test.targets["breed"], splits.test.targets["species"])
    assert set(splits.test.targets["segmentation"].unique().tolist()) == {0, 1, 2}
    assert (splits.test.targets["segmentation"][:, 12] == 0).all()


def test_pets_that_are_not_there(tmp_path):
    with pytest.raises(FolderError, match="download=True"):
        oxford_pets(tmp_path)


def test_faces(tmp_path, monkeypatch):
    base = tmp_path / "celeba"
    rows = []
    for number in range(12):
        save(base / "img_align_celeba" / f"{number:06}.jpg", list(COLORS.values())[number % 2], size=(22, 18), number=number)
        rows.append(f"{number:06}.jpg {1 if number % 2 else -1} {1 if number % 4 < 2 else -1}")
    (base / "list_attr_celeba.txt").write_text("12\nSmiling Young\n" + "\n".join(rows) + "\n")
    (base / "list_eval_partition.txt").write_text("".join(f"{n:06}.jpg {n // 4}\n" for n in range(12)))
    for name, columns in (("identity_CelebA", 1), ("list_bbox_celeba", 4), ("list_landmarks_align_celeba", 10)):
        head = "" if columns == 1 else "12\n" + " ".join("abcdefghij"[:columns]) + "\n"
        (base / f"{name}.txt").write_text(head + "".join(f"{n:06}.jpg" + " 1" * columns + "\n" for n in range(12)))
    monkeypatch.setattr(folders.torchvision_sets.CelebA, "_check_integrity", lambda self: True)  # the MD5 of the real files
    splits = celeba(tmp_path, ["Young", "Smiling"], size=16)
    assert splits.tasks == (
        classification("Young", ["not Young", "Young"]),
        classification("Smiling", ["not Smiling", "Smiling"]),
    )
    assert [len(getattr(splits, part)) for part in ("train", "val", "test")] == [4, 4, 4]
    assert splits.train.targets["Smiling"].tolist() == [0, 1, 0, 1]
    assert splits.train.targets["Young"].tolist() == [1, 1, 0, 0]
    with pytest.raises(FolderError, match="no attribute 'Happy'; it has Smiling, Young"):
        celeba(tmp_path, ["Happy"])


def coco(**changes):
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
            {"id": 8, "file_name": "b.png", "width": 40, "height": 30},
        ],
        "categories": [{"id": 5, "name": "猫"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 5, "bbox": [1, 2, 10, 20]},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0.5, 0, 3, 4]},
            {"id": 3, "image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        ],
        **changes,
    }


@pytest.fixture
def pictures(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / f"{name}.png", size=(30, 40))
    return tmp_path


def test_coco_boxes(pictures):
    (pictures / "boxes.json").write_text(json.dumps(coco()), encoding="utf-8-sig")
    found = read_coco(pictures / "boxes.json", pictures)
    assert found.class_names == ("dog", "猫")
    assert [file.name for file in found.files] == ["a.png", "b.png"]
    assert found.boxes[0].tolist() == [[1, 2, 11, 22], [0.5, 0, 3.5, 4]]
    assert found.classes[0].tolist() == [1, 0]
    assert found.boxes[1].shape == (0, 4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"annotations": [{"id": 4, "image_id": 9, "category_id": 5, "bbox": [0, 0, 1, 1]}]},
            "annotation 4: there is no image",
        ),
        ({"annotations": [{"id": 4, "image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1]}]}, "there is no category 1"),
        ({"annotations": [{"id": 4, "image_id": 7, "category_id": 5, "bbox": [0, 0, 0, 1]}]}, "has no extent"),
        (
            {"annotations": [{"id": 4, "image_id": 7, "category_id": 5, "bbox": [30, 0, 20, 1]}]},
            "outside of its image of 40×30",
        ),
        ({"annotations": [{"id": 4, "image_id": 7, "category_id": 5, "bbox": [0, 1]}]}, "four numbers"),
        ({"annotations": [{"id": 4, "image_id": 7, "category_id": 5, "bbox": [0, 0, float("nan"), 1]}]}, "has no extent"),
        ({"annotations": [{"id": 4}]}, "entry 0 of 'annotations' has no 'image_id'"),
        ({"images": [{"id": 1, "file_name": "../x.png"}]}, "leads out of"),
        ({"images": [{"id": 1, "file_name": "c.png"}]}, "'c.png' is not there"),
        ({"images": []}, "has no images"),
        ({"categories": None}, "no list 'categories'"),
    ],
)
def test_coco_files_that_do_not_fit(pictures, changes, words):
    (pictures / "boxes.json").write_text(json.dumps(coco(**changes)))
    with pytest.raises(FolderError, match=r"boxes\.json") as told:
        read_coco(pictures / "boxes.json", pictures)
    assert words in str(told.value)


def test_coco_files_that_are_none(pictures):
    (pictures / "boxes.json").write_text("[[[")
    with pytest.raises(FolderError, match="no JSON file"):
        read_coco(pictures / "boxes.json", pictures)
    with pytest.raises(FolderError, match="there is no file"):
        read_coco(pictures / "none.json", pictures)


def test_describe_counts_everything(tmp_path):
    rows = colored(tmp_path, 30)
    rows[0].append("split")
    for number, row in enumerate(rows[1:]):
        row.append(["train", "val", "test"][number // 10])
    rows[1][1], rows[12][2] = "", ""
    save(tmp_path / "p002.png", COLORS["blue"], size=(9, 9))
    (tmp_path / "p029.png").write_bytes((tmp_path / "p005.png").read_bytes())
    write(tmp_path / "labels.csv", rows)
    with pytest.warns(UserWarning, match="same picture is in two splits"):
        splits = from_table(tmp_path, size=8)
    found = describe(splits)
    assert found.labels.loc[("color", "red")].tolist() == [3, 3, 3]
    assert found.labels.loc[("color", "(missing)")].tolist() == [1, 0, 0]
    assert found.labels.loc["brightness"].sum().tolist() == [10, 10, 10]
    assert found.labels.loc[("brightness", "(missing)")].tolist() == [0, 1, 0]
    assert found.sizes.values.tolist() == [[12, 10, 29], [9, 9, 1]]
    assert found.leaks == (("p005.png (train)", "p029.png (test)"),)
    text = str(found)
    for words in ("29 of 12×10, 1 of 9×9", "same picture in two splits: 1", "p029.png (test)", "left out: 0"):
        assert words in text
    axes = plot_description(found)
    assert [ax.get_title() for ax in axes] == ["color", "brightness"]
    assert sum(bar.get_width() for bar in axes[0].patches) == 30
