"""Bad input that the other tests do not have: names in Chinese, links among masks, quoted line breaks, and no pickle."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from mtl_utils.datasets import BoxFile, FolderError, MaskFolder, ValueFolder, from_class_folders, from_coco, from_table
from tests.datasets.folders.pictures import COLORS, colored, save, write

NAMES = ["照片 {}.png", "Ä {}.png", "two  spaces {}.png", "emoji 🐈 {}.png"]


def test_names_in_chinese_and_with_spaces_in_all_readers(tmp_path):
    folder = tmp_path / "我的 照片"
    rows, images = [["file", "颜色"]], []
    for number in range(24):
        name = NAMES[number % 4].format(number)
        color = list(COLORS)[number // 4 % 2]
        save(folder / name, COLORS[color], number=number)
        save(folder / "masks" / name, number=0)
        Image.fromarray(np.full((12, 10), number % 2, dtype=np.uint8)).save(folder / "masks" / name)
        rows.append([name, {"red": "红", "green": "绿"}[color]])
        images.append({"id": number, "file_name": name})
    write(folder / "labels.csv", rows)
    boxes = [{"image_id": number, "category_id": 1, "bbox": [1, 1, 5, 5]} for number in range(24)]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "猫"}]}
    (folder / "盒子.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    splits = from_table(folder, masks={"掩码": MaskFolder("masks", ["a", "b"])}, boxes={"猫": BoxFile("盒子.json")}, size=12)
    assert [task.name for task in splits.tasks] == ["颜色", "掩码", "猫"]
    assert splits.tasks[0].class_names == ("红", "绿")
    for file, label in zip(splits.files["train"], splits.train.targets["颜色"].tolist(), strict=True):
        assert dict(rows[1:])[file.name] == "红绿"[label]
    for row in rows[1:]:
        target = tmp_path / "类" / row[1] / row[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((folder / row[0]).read_bytes())
    assert from_class_folders(tmp_path / "类", size=12).tasks[0].class_names == ("红", "绿")


@pytest.mark.parametrize("labels", [MaskFolder("aside", ["a", "b"]), ValueFolder("aside")])
def test_links_among_label_images_that_lead_out(tmp_path, labels):
    folder = tmp_path / "pictures"
    colored(folder, 12)
    (folder / "aside").mkdir()
    Image.fromarray(np.zeros((12, 10), dtype=np.uint8)).save(tmp_path / "secret.png")
    (folder / "aside" / "p000.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(FolderError, match="links lead out of"):
        from_table(folder, masks={"m": labels}, size=8)


def test_coco_names_and_links_that_lead_out(tmp_path):
    folder = tmp_path / "pictures"
    save(folder / "a.png")
    save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    for name in ("../secret.png", "link.png", str(tmp_path / "secret.png"), "C:\\secret.png"):
        content = {"images": [{"id": 1, "file_name": name}], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
        (folder / "boxes.json").write_text(json.dumps(content))
        with pytest.raises(FolderError, match=r"leads out|absolute"):
            from_coco(folder, "boxes.json")


def test_cells_with_line_breaks_in_quotes(tmp_path):
    rows = colored(tmp_path, 12)
    rows[0].append("note")
    for number, row in enumerate(rows[1:]):
        row.append(["seen\nat noon", 'seen\r\nat; "night"'][number % 2])
    write(tmp_path / "labels.csv", rows)
    splits = from_table(tmp_path, tasks=["color", "note"], size=8)
    assert set(splits.train.task("note").class_names) == {"seen\nat noon", 'seen\r\nat; "night"'}
    assert sum(len(files) for files in splits.files.values()) == 12


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was run')",))


def test_no_pickle_is_ever_loaded(tmp_path, monkeypatch):
    rows = colored(tmp_path, 12)
    bomb = pickle.dumps(Bomb())
    for name in ("labels.pkl", "masks.npy", "weights.pt"):  # no image, so nobody opens them
        (tmp_path / name).write_bytes(bomb)

    def never(*arguments, **named):
        raise AssertionError("a pickle was loaded")

    for where, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load"), (np, "load")):
        monkeypatch.setattr(where, name, never)
    assert len(from_table(tmp_path, size=8).train)
    (tmp_path / "p000.png").write_bytes(bomb)
    with pytest.raises(FolderError, match=r"p000\.png: not an image"):
        from_table(tmp_path, size=8)
    (tmp_path / "labels.csv").write_bytes(bomb)
    with pytest.raises(FolderError):
        from_table(tmp_path, size=8)
    with pytest.raises(FolderError, match="no JSON file"):
        (tmp_path / "boxes.json").write_bytes(b"\x80\x04." + bomb)
        from_coco(tmp_path, "boxes.json")
    assert rows


def test_an_empty_folder_has_no_boxes(tmp_path):
    with pytest.raises(FolderError, match="there is no file"):
        from_coco(tmp_path)
    with pytest.raises(FolderError, match="there is no folder"):
        from_coco(tmp_path / "none")
