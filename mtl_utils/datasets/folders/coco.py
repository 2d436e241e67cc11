"""Boxes as COCO JSON: images, annotations and categories in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mtl_utils.datasets.folders.paths import existing_folder, find_file
from mtl_utils.datasets.folders.problems import FolderError


class CocoBoxes(NamedTuple):
    """The objects in the images of a folder.

    Attributes:
        files: the images.
        boxes: for each image `float32` `[objects, 4]`: x0, y0, x1, y1 in pixels of the file; move them with `Frame.boxes`.
        classes: for each image `int64` `[objects]`.
        class_names: in the order of their numbers in the file.
        sizes: for each image height and width as the file states them; `None` where it does not.
    """

    files: tuple[Path, ...]
    boxes: tuple[Tensor, ...]
    classes: tuple[Tensor, ...]
    class_names: tuple[str, ...]
    sizes: tuple[tuple[int, int] | None, ...]


def read_coco(annotations: str | Path, folder: str | Path) -> CocoBoxes:
    """Boxes and classes of the objects in each image; images without objects are there, too.

    Crowds (`iscrowd`) are left out, as is usual for training.

    Args:
        annotations: the JSON file.
        folder: with the images.

    Raises:
        FolderError: lists annotations of unknown images or categories, boxes without an extent or outside of their image, and
            images that are not there, or there twice.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new('RGB', (40, 30)).save(folder / 'a.png')
        >>> content = {'images': [{'id': 1, 'file_name': 'a.png'}], 'categories': [{'id': 7, 'name': 'cat'}]}
        >>> content['annotations'] = [{'image_id': 1, 'category_id': 7, 'bbox': [5, 3, 10, 20]}]  # x, y, width, height
        >>> _ = (folder / 'boxes.json').write_text(json.dumps(content))
        >>> read_coco(folder / 'boxes.json', folder).boxes[0].tolist()  # two corners
        [[5.0, 3.0, 15.0, 23.0]]
    """
    folder = existing_folder(folder)
    content = _content(Path(annotations))
    names: dict[Any, str] = {}
    problems: list[str] = []
    for category in sorted(content["categories"], key=lambda each: each["id"]):
        if category["id"] in names:
            problems.append(f"category {category['id']} is there twice")
        names[category["id"]] = str(category["name"])
    files: dict[Any, Path] = {}
    owner: dict[Path, Any] = {}
    sizes: dict[Any, tuple[float, float]] = {}
    for image in content["images"]:
        found = find_file(folder, str(image["file_name"]))
        if image["id"] in files:
            problems.append(f"image {image['id']} is there twice")
        elif isinstance(found, str):
            problems.append(f"image {image['id']}: {found}")
        elif (first := owner.setdefault(found.resolve(), image["id"])) != image["id"]:
            problems.append(f"image {image['id']}: {image['file_name']} is image {first} already")
        else:
            files[image["id"]] = found
            sizes[image["id"]] = (_side(image, "width"), _side(image, "height"))
    known = {image["id"] for image in content["images"]}
    numbers = {category: number for number, category in enumerate(names)}
    boxes: dict[Any, list[list[float]]] = {image: [] for image in files}
    classes: dict[Any, list[int]] = {image: [] for image in files}
    for number, each in enumerate(content["annotations"]):
        where = f"annotation {each.get('id', number)}"
        if each["image_id"] not in known:
            problems.append(f"{where}: there is no image {each['image_id']}")
        elif each["category_id"] not in names:
            problems.append(f"{where}: there is no category {each['category_id']}")
        elif wrong := _wrong_box(each["bbox"], sizes.get(each["image_id"], (inf, inf))):
            problems.append(f"{where}: {wrong}")
        elif each["image_id"] in files and not each.get("iscrowd", 0):
            x, y, width, height = each["bbox"]
            boxes[each["image_id"]].append([x, y, x + width, y + height])
            classes[each["image_id"]].append(numbers[each["category_id"]])
    if problems:
        raise FolderError(f"{annotations} and the images in {folder} do not fit each other", problems)
    return CocoBoxes(
        tuple(files.values()),
        tuple(torch.tensor(boxes[image], dtype=torch.float32).view(-1, 4) for image in files),
        tuple(torch.tensor(classes[image], dtype=torch.int64) for image in files),
        tuple(names.values()),
        tuple((int(high), int(wide)) if wide < inf > high else None for wide, high in (sizes[image] for image in files)),
    )


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FolderError(f"there is no file {path}") from None
    except (ValueError, RecursionError) as error:
        raise FolderError(f"{path} is no JSON file ({error})") from error
    needed = {
        "images": ("id", "file_name"),
        "annotations": ("image_id", "category_id", "bbox"),
        "categories": ("id", "name"),
    }
    for part, keys in needed.items():
        if not isinstance(content, dict) or not isinstance(content.get(part), list):
            raise FolderError(f"{path} is not in COCO's format: it has no list '{part}'")
        for number, each in enumerate(content[part]):
            if lacking := [key for key in keys if not isinstance(each, dict) or key not in each]:
                raise FolderError(f"{path}: entry {number} of '{part}' has no '{lacking[0]}'")
            if wrong := [key for key in keys if key.endswith("id") and not isinstance(each[key], int | str)]:
                raise FolderError(f"{path}: entry {number} of '{part}' has an '{wrong[0]}' that is no number")
    if not content["images"] or not content["categories"]:
        raise FolderError(f"{path} has no {'images' if not content['images'] else 'categories'}")
    checked: Mapping[str, Any] = content
    return checked


def _side(image: Mapping[str, Any], key: str) -> float:
    """A side of an image in pixels; infinite where the file does not say."""
    found = image.get(key)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) and found > 0 else inf


def _wrong_box(box: Any, size: tuple[float, float]) -> str:
    """What is wrong with a box of COCO (x, y, width, height), or nothing."""
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(value, int | float) for value in box):
        return f"a box must be four numbers (x, y, width, height), not {box!r}"
    x, y, width, height = (float(value) for value in box)
    if not (-inf < x < inf and -inf < y < inf):
        return f"the box {box} is not finite"
    if not (0 < width < inf and 0 < height < inf):
        return f"the box {box} has no extent"
    if x < -1 or y < -1 or x + width > size[0] + 1 or y + height > size[1] + 1:  # a pixel for those who round
        return f"the box {box} lies outside of its image of {size[0]:.0f}×{size[1]:.0f} pixels"
    return ""
