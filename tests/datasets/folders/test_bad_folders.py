"""Every mistake in a folder is told at once, by file or line; nothing is lost and nothing leads out."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import colored, save, write
from PIL import Image

from mtl_utils.datasets.folders import FolderError, MaskFolder, from_class_folders, from_table


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "我的 图"
    root.mkdir()
    return root


def told(call, *words):
    with pytest.raises(FolderError) as error:
        call()
    for word in words:
        assert word in str(error.value), str(error.value)
    return error.value


def test_unreadable_images_are_listed_at_once(folder):
    colored(folder)
    content = (folder / "p003.png").read_bytes()
    (folder / "p003.png").write_bytes(content[: len(content) // 2])
    (folder / "p007.png").write_bytes(b"no image")
    (folder / "p009.png").write_bytes(b"")
    error = told(
        lambda: from_table(folder, size=8),
        "3 of 30 images cannot be used",
        "p003.png",
        "p007.png",
        "p009.png",
        "problems='skip'",
    )
    assert len(error.problems) == 3


def test_skipping_is_a_choice_that_is_reported(folder):
    rows = colored(folder)
    (folder / "p007.png").write_bytes(b"no image")
    (folder / "p008.png").unlink()
    save(folder / "extra.png")
    with pytest.warns(UserWarning, match="3 left out"):
        splits = from_table(folder, size=8, problems="skip")
    assert len(splits.skipped) == 3
    for name in ("p007.png", "p008.png", "extra.png"):
        assert any(name in text for text in splits.skipped)
    kept = {file.name for files in splits.files.values() for file in files}
    assert kept == {row[0] for row in rows[1:]} - {"p007.png", "p008.png"}
    labels = {row[0]: row[1] for row in rows[1:]}
    for part, files in splits.files.items():
        for file, target in zip(files, getattr(splits, part).targets["color"].tolist(), strict=True):
            assert splits.tasks[0].class_names[target] == labels[file.name]


def test_skipping_drops_a_picture_with_its_mask_and_no_other(folder):
    colored(folder)
    for number in range(30):
        (folder / "m").mkdir(exist_ok=True)
        Image.fromarray(np.full((12, 10), number % 2, dtype=np.uint8)).save(folder / "m" / f"p{number:03}.png")
    (folder / "p004.png").write_bytes(b"no image")
    Image.fromarray(np.zeros((3, 3), dtype=np.uint8)).save(folder / "m" / "p006.png")
    with pytest.warns(UserWarning, match="2 left out"):
        splits = from_table(folder, masks={"where": MaskFolder("m", ["a", "b"])}, size=None, problems="skip")
    for part, files in splits.files.items():
        for file, target in zip(files, getattr(splits, part).targets["where"], strict=True):
            assert (target == int(file.stem[1:]) % 2).all()


def test_rows_without_files_and_files_without_rows(folder):
    rows = colored(folder)
    (folder / "p002.png").unlink()
    save(folder / "deep" / "extra 图.png")
    told(
        lambda: from_table(folder, size=8),
        "line 4: 'p002.png' is not there",
        "deep/extra 图.png has no row in labels.csv",
    )
    assert len(rows) == 31


def test_a_file_with_two_rows(folder):
    rows = colored(folder)
    rows.append(["./p001.png", "red", 1])
    write(folder / "labels.csv", rows)
    for problems in ("raise", "skip"):
        told(lambda problems=problems: from_table(folder, size=8, problems=problems), "line 32", "has a row already, in line 3")


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "a/../../secret.png", "link.png", "C:\\secret.png", "linked/s.png"]
)
def test_no_path_leads_out_of_the_folder(folder, name):
    save(folder.parent / "secret.png")
    save(folder.parent / "other" / "s.png")
    rows = colored(folder)
    if name == "link.png":
        (folder / "link.png").symlink_to(folder.parent / "secret.png")
    if name.startswith("linked"):
        (folder / "linked").symlink_to(folder.parent / "other")
    rows[3][0] = name
    write(folder / "labels.csv", rows)
    for problems in ("raise", "skip"):
        with pytest.raises(FolderError, match=r"lead(s)? out of|absolute path"):
            from_table(folder, size=8, problems=problems)


def test_a_link_within_the_folder_is_allowed(folder):
    rows = colored(folder)
    (folder / "真").mkdir()
    (folder / "p004.png").rename(folder / "真" / "p004.png")
    (folder / "p004.png").symlink_to(folder / "真" / "p004.png")
    splits = from_table(folder, size=8)
    assert sum(len(files) for files in splits.files.values()) == len(rows) - 1


def test_links_in_class_folders_that_lead_out(folder):
    for number in range(4):
        save(folder / "train" / ("a" if number % 2 else "b") / f"{number}.png", number=number)
    save(folder.parent / "secret.png")
    (folder / "train" / "a" / "s.png").symlink_to(folder.parent / "secret.png")
    told(lambda: from_class_folders(folder / "train", size=8), "lead out of", "s.png")


def test_a_class_that_only_the_test_split_shows(folder):
    rows = colored(folder)
    rows[0].append("split")
    for number, row in enumerate(rows[1:]):
        row.append(["train", "val", "test"][number // 10])
    rows[30][1] = "violet"
    write(folder / "labels.csv", rows)
    told(lambda: from_table(folder, size=8), "class 'violet' is in test only", "p029.png")
    for part, name in (("train", "a"), ("train", "b"), ("test", "c")):
        save(folder / "f" / part / name / "x.png")
    told(lambda: from_class_folders(folder / "f" / "train", folder / "f" / "test", size=8), "cannot be learned", "c")


def test_empty_folders_and_folders_that_are_none(folder):
    told(lambda: from_class_folders(folder), "has no sub-folders")
    told(lambda: from_class_folders(folder / "nowhere"), "there is no folder")
    save(folder / "a" / "x.png")
    (folder / "b").mkdir()
    told(lambda: from_class_folders(folder), "no image in them", "b")
    told(lambda: from_class_folders(folder / "a" / "x.png"), "is a file")
    save(folder / "loose.png")
    told(lambda: from_class_folders(folder), "lie in no class", "loose.png")
    (folder / "loose.png").unlink()
    (folder / "b").rmdir()
    told(lambda: from_class_folders(folder), "one class only")
    empty = folder / "empty"
    empty.mkdir()
    told(lambda: from_table(empty), "there is no table", "table= takes another name")
    (empty / "labels.csv").write_text("file,label\n")
    told(lambda: from_table(empty), "no row with an image")
    told(lambda: from_table(empty, file="name"), "no column 'name'", "file= takes another name")
    told(lambda: from_table(empty, group="person"), "no column 'person'", "group= takes another name")


def test_too_few_images_for_three_splits(folder):
    colored(folder, 2)
    told(lambda: from_table(folder, tasks=["color"], size=8), "no image is left for the split")


def test_a_mask_of_another_size_or_with_strange_numbers_or_lost(folder):
    colored(folder)
    (folder / "m").mkdir()
    Image.fromarray(np.zeros((3, 4), dtype=np.uint8)).save(folder / "m" / "p001.png")
    Image.fromarray(np.full((12, 10), 7, dtype=np.uint8)).save(folder / "m" / "p002.png")
    masks = {"where": MaskFolder("m", ["a", "b"])}
    told(
        lambda: from_table(folder, masks=masks, size=8),
        "p001.png: the mask is 3×4 pixels, its picture 12×10",
        "p002.png: a pixel has the value 7",
    )
    Image.fromarray(np.zeros((12, 10), dtype=np.uint8)).save(folder / "m" / "lost.png")
    told(lambda: from_table(folder, masks=masks, size=8), "without a picture of their name", "lost.png")
    for file in (folder / "m").iterdir():
        file.unlink()
    told(lambda: from_table(folder, masks=masks, size=8), "has the name of a picture")


def test_columns(folder):
    rows = colored(folder)
    told(lambda: from_table(folder, file="image", size=8), "no column 'image'; its columns are file, color, brightness")
    told(lambda: from_table(folder, tasks=["colour"], size=8), "no column 'colour'")
    told(lambda: from_table(folder, tasks="color", size=8), "takes a list of columns")
    rows[0].append("notes")
    for number, row in enumerate(rows[1:]):
        row.append(f"seen on day {number}, cloudy")
    write(folder / "labels.csv", rows)
    told(lambda: from_table(folder, size=8), "column 'notes' is neither classes nor numbers")
    rows[0][3] = "split"
    write(folder / "labels.csv", rows)
    told(lambda: from_table(folder, size=8), "must say train, val or test", "line 2")


def test_a_misspelled_column_of_groups_or_splits(folder):
    """Without a word, pictures of one person would leak into the test."""
    write(folder / "labels.csv", colored(folder))
    told(lambda: from_table(folder, size=8, group="perosn"), "no column 'perosn'; its columns are file")
    told(lambda: from_table(folder, size=8, split="splt"), "no column 'splt'; its columns are file")
    from_table(folder, size=8, group=None, progress=False)


def test_a_group_in_two_splits(folder):
    rows = colored(folder, 12)
    rows[0] += ["split", "group"]
    for number, row in enumerate(rows[1:]):
        row += [["train", "val", "test"][number // 4], "Anna" if number in (0, 11) else f"person {number}"]
    write(folder / "labels.csv", rows)
    told(lambda: from_table(folder, size=8), "group 'Anna'", "p000.png is in train, p011.png in test")


def test_sizes_that_differ_need_to_be_told_what_to_become(folder):
    colored(folder)
    save(folder / "p004.png", size=(20, 30))
    told(lambda: from_table(folder, size=None), "12×10", "p004.png: 20×30", "size=224")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"size": 0}, "size="),
        ({"size": (3, 4, 5)}, "size="),
        ({"fit": "zoom"}, "fit="),
        ({"memory": -1}, "memory="),
        ({"problems": "ignore"}, "problems="),
        ({"val": 0.6, "test": 0.5}, "val= and test="),
    ],
)
def test_arguments(folder, arguments, words):
    colored(folder)
    with pytest.raises(ValueError, match=words):
        from_table(folder, **{"size": 8, **arguments})


def test_nothing_is_written_into_the_folder(folder):
    colored(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    from_table(folder, size=8, memory=0)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
