"""From an image file to a tensor: any color mode, turned as its EXIF says, at the size that is asked for."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from mtl_utils.datasets.folders.framing import Fit, frame

MAX_PIXELS = (
    89_478_485  # Pillow's own limit; a larger picture is more likely an attack ("decompression bomb") than a photograph
)
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_EXIF_ORIENTATION = 0x0112
# For each EXIF orientation what turns the picture upright (EXIF 2.3, page 30).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises for damaged files, depending on the format.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
    OverflowError,
)


class ImageFileError(ValueError):
    """An image file cannot be decoded. The message says which and why."""


def decode(path: str | Path, size: tuple[int, int] | None = None, *, fit: Fit = "crop", color: bool = True) -> Tensor:
    """An image file as `uint8` `[3, H, W]`, or `[1, H, W]` in gray.

    Gray, palette, CMYK and 16-bit pictures come out as they look. Transparent parts are laid over white. Pictures are turned as
    their EXIF orientation says. Color profiles are not applied. Of an animation the first frame is taken.

    Args:
        path: of the file.
        size: height and width of the result; the picture's own by default.
        fit: how it comes to this size, see `frame`. Large JPEG files are decoded at a smaller scale, which is several times
            faster; smaller ones are averaged with antialiasing.
        color: three channels, or one.

    Raises:
        ImageFileError: if it is damaged, no image, or too large to be a photograph.
    """
    picture = _open(path)
    try:
        orientation = _orientation(picture)
        shape = _upright(picture)
        framed = None if size is None else frame(shape, size, fit)
        if framed is not None and picture.format == "JPEG":
            # Twice as fine as the result, at least, so that averaging has something to average.
            (x0, y0, x1, y1), (_, _, width, height) = framed.window, framed.place
            finer = 2 * max(height / (y1 - y0), width / (x1 - x0))
            picture.draft(None, (max(round(finer * picture.width), 1), max(round(finer * picture.height), 1)))
        mode = "RGB" if color else "L"
        image = _turned(_in_mode(picture, mode), orientation)
        if framed is not None and (image.height, image.width) != framed.size:
            shrunk = image.width / shape[1], image.height / shape[0]
            x0, y0, x1, y1 = (edge * shrunk[number % 2] for number, edge in enumerate(framed.window))
            box = (x0, y0, min(x1, image.width), min(y1, image.height))
            left, top, width, height = framed.place
            part = image.resize((width, height), Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
            if (height, width) == framed.size:
                image = part
            else:
                image = Image.new(mode, (framed.size[1], framed.size[0]))
                image.paste(part, (left, top))
        return _as_tensor(image)
    except _DAMAGED as error:
        raise ImageFileError(f"{path}: cannot be decoded ({error})") from error
    finally:
        picture.close()


def decode_mask(
    path: str | Path, shape: tuple[int, int] | None, size: tuple[int, int] | None = None, *, fit: Fit = "crop"
) -> Tensor:
    """A mask file (a class number at each pixel) as `uint8` `[H, W]`. Resized without mixing: each pixel keeps one class.

    Palette images give their palette's numbers, gray ones their values. Colors have no numbers and are refused.

    Args:
        path: of the file.
        shape: height and width that it must have: those of the picture, turned as its EXIF says.
        size, fit: as for `decode`.

    Raises:
        ImageFileError: if it cannot be decoded, has colors, or another shape than its picture.
    """
    picture = _open(path)
    try:
        if picture.mode not in ("P", "L", "1", "I;16", "I"):
            raise ImageFileError(
                f"{path}: a mask must hold class numbers (gray or palette), but this one has mode {picture.mode}"
            )
        picture.load()
        picture = _turned(picture, _orientation(picture))
        if shape is not None and (picture.height, picture.width) != shape:
            raise ImageFileError(
                f"{path}: the mask is {picture.height}×{picture.width} pixels, its picture {shape[0]}×{shape[1]}"
            )
        classes = np.asarray(picture)
        if classes.size and (classes.min() < 0 or classes.max() > 255):
            raise ImageFileError(f"{path}: class numbers must be from 0 to 255, but there is {int(classes.max())}")
        if size is not None:
            framed = frame((picture.height, picture.width), size, fit)
            left, top, width, height = framed.place
            x0, y0, x1, y1 = framed.window
            # The class at the middle of each pixel of the result.
            rows = np.floor(y0 + (np.arange(height) + 0.5) * (y1 - y0) / height).astype(int)
            columns = np.floor(x0 + (np.arange(width) + 0.5) * (x1 - x0) / width).astype(int)
            part = classes[np.ix_(rows, columns)]
            classes = np.full(size, 255, dtype=np.uint8)  # bars have no class
            classes[top : top + height, left : left + width] = part
        return torch.from_numpy(np.array(classes, dtype=np.uint8))
    except _DAMAGED as error:
        if isinstance(error, ImageFileError):
            raise
        raise ImageFileError(f"{path}: cannot be decoded ({error})") from error
    finally:
        picture.close()


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width of a picture, turned as its EXIF says. Reads the file's head only.

    Raises:
        ImageFileError: if it is no image, or too large to be a photograph.
    """
    picture = _open(path)
    try:
        return _upright(picture)
    finally:
        picture.close()


def _open(path: str | Path) -> Image.Image:
    try:
        picture = Image.open(path, formats=_FORMATS)
    except FileNotFoundError:
        raise ImageFileError(f"{path}: there is no such file") from None
    except Image.DecompressionBombError as error:
        raise ImageFileError(f"{path}: too large to be a photograph ({error})") from error
    except UnidentifiedImageError as error:
        empty = Path(path).is_file() and Path(path).stat().st_size == 0
        raise ImageFileError(
            f"{path}: {'the file is empty' if empty else 'not an image, or damaged at its beginning'}"
        ) from error
    except _DAMAGED as error:
        raise ImageFileError(f"{path}: cannot be opened ({error})") from error
    if picture.width * picture.height > MAX_PIXELS:
        picture.close()
        raise ImageFileError(
            f"{path}: {picture.width:,}×{picture.height:,} pixels are too many (at most {MAX_PIXELS:,}); make it smaller"
        )
    return picture


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except (*_DAMAGED, AttributeError):  # a damaged EXIF block does not spoil the picture
        return 1


def _upright(picture: Image.Image) -> tuple[int, int]:
    """Height and width once it is turned."""
    width, height = picture.size
    return (width, height) if _orientation(picture) in (5, 6, 7, 8) else (height, width)


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def _in_mode(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in `RGB` or `L`."""
    if picture.mode.startswith("I"):  # 16 bits: Pillow's own conversion would cut them off, not scale them
        values = np.asarray(picture, dtype=np.float64)
        return Image.fromarray(np.clip(np.round(values / 257), 0, 255).astype(np.uint8)).convert(mode)
    if picture.mode == "F":
        raise ValueError("its pixels are real numbers, whose range is unknown; save it with 8 or 16 bits")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert(mode)
    return picture.convert(mode)


def _as_tensor(image: Image.Image) -> Tensor:
    pixels = np.array(image)
    return torch.from_numpy(pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1)))
