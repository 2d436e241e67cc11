"""Files in a folder, and only in it: no name and no link leads out."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

from mtl_utils.datasets.folders.problems import FolderError

# What Pillow decodes without help from other programs (EPS would call Ghostscript).
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


def existing_folder(folder: str | Path) -> Path:
    """The folder as a path; a `FolderError` if there is none."""
    path = Path(folder).expanduser()
    if not path.exists():
        raise FolderError(f"there is no folder {path}; the current folder is {Path.cwd()}")
    if not path.is_dir():
        raise FolderError(f"{path} is a file; a folder is needed here")
    return path


def new_folder(folder: str | Path) -> Path:
    """The folder as a path, made if it is not there; a `FolderError` if something is in it, since nothing is overwritten."""
    path = Path(folder).expanduser()
    if path.exists() and not path.is_dir():
        raise FolderError(f"{path} is a file; name a new folder")
    if path.exists() and any(path.iterdir()):
        raise FolderError(f"{path} is not empty, and nothing in it is overwritten; name a new folder")
    path.mkdir(parents=True, exist_ok=True)
    return path


def image_files(folder: Path) -> list[Path]:
    """All image files in a folder and the folders in it, in the order of their names; hidden ones are left out.

    Raises:
        FolderError: if a link among them leads out of the folder.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):  # does not follow links to folders
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".") and name.lower().endswith(SUFFIXES)]
    check_inside(folder, found)
    return found


def check_inside(folder: Path, files: Iterable[Path]) -> None:
    """Raise a `FolderError` that names every file which is a link out of the folder."""
    root = folder.resolve()
    if out := [str(file) for file in files if file.is_symlink() and not file.resolve().is_relative_to(root)]:
        raise FolderError(f"links lead out of {folder}; copy the images into it", out)


def find_file(folder: Path, name: str) -> Path | str:
    """The file that a table names, or in words why it cannot be used.

    Backslashes of Windows, spaces around the name and the two Unicode spellings of accents are understood.
    """
    root = folder.resolve()
    if not name.strip() or "\0" in name:
        return f"{name!r} is no file name"
    candidates = [name, name.strip(), name.strip().replace("\\", "/")]
    candidates += [unicodedata.normalize(form, candidates[-1]) for form in ("NFC", "NFD")]
    for candidate in candidates:
        if Path(candidate).is_absolute() or PureWindowsPath(candidate).drive:
            return f"'{name}' is an absolute path; names must be relative to {folder}"
        path = folder / candidate
        try:
            real = path.resolve()
        except (OSError, RuntimeError):
            return f"'{name}' cannot be found (its links lead nowhere)"
        if not real.is_relative_to(root):
            return f"'{name}' leads out of {folder}"
        if real.is_file():
            return path
    return f"'{name}' is not there" + (" (it is a folder)" if (folder / name.strip()).is_dir() else "")
