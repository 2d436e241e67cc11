"""From an image file to a tensor: any color mode, turned as its EXIF says.

Pillow decodes, as in torchvision's `ImageFolder`, and torchvision scales. (torchvision's own `decode_image` is faster, but is
deprecated, and its PNG decoder ends the whole program on some damaged files.)
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from mtl_utils.datasets.folders.framing import Fit, frame

MAX_PIXELS = 89_478_485  # Pillow's own limit; a larger picture is more likely an attack ("decompression bomb")
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
# What decoders raise for damaged files, depending on the format.
_DAMAGED = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error, OverflowError
)  # fmt: skip


class ImageFileError(ValueError):
    """An image file cannot be used. The message says which and why."""


def decode(path: str | Path, size: tuple[int, int] | None = None, *, fit: Fit = "crop", color: bool = True) -> Tensor:
    """An image file as `uint8` `[3, H, W]`, or `[1, H, W]` in gray.

    Gray, palette, CMYK and 16-bit pictures come out as they look. Transparent parts are laid over white. Pictures are turned as
    their EXIF orientation says. Color profiles are not applied. Of an animation the first frame is taken.

    Args:
        path: of the file.
        size: height and width of the result; the picture's own by default. JPEG files that are much larger are decoded at a
            half, a quarter or an eighth of their size, but at least twice as fine as the result.
        fit: how it comes to this size, see `frame`.
        color: three channels, or one.

    Raises:
        ImageFileError: if it is damaged, no image, or too large to be a photograph.
    """
    return decode_framed(path, size, fit, color)[0]


def decode_framed(path: str | Path, size: tuple[int, int] | None, fit: Fit, color: bool) -> tuple[Tensor, tuple[int, int]]:
    """As `decode`, and height and width of the picture in the file, turned as its EXIF says."""
    picture = _open(path, _content(path))
    try:
        if picture.format != "JPEG":
            picture.load()  # first, because TIFF turns itself
        orientation = _orientation(picture)
        upright = (picture.width, picture.height) if orientation >= 5 else (picture.height, picture.width)
        framed = None if size is None else frame(upright, size, fit)
        if framed is not None and picture.format == "JPEG":
            finer = 2 * max(framed.scaled[0] / upright[0], framed.scaled[1] / upright[1])
            if finer <= 0.5:
                picture.draft(None, (max(round(finer * picture.width), 1), max(round(finer * picture.height), 1)))
        pixels = np.array(_turned(_in_mode(picture, "RGB" if color else "L"), orientation))
    except _DAMAGED as error:
        raise _refused(path, error) from error
    image = torch.from_numpy(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    if framed is not None:
        image = framed._replace(original=(image.shape[1], image.shape[2])).image(image)
    return image.contiguous(), upright


def decode_mask(path: str | Path) -> Tensor:
    """A mask file (a class number at each pixel) as `uint8` `[H, W]`, turned as its EXIF says.

    Palette images give their palette's numbers, gray ones their values. Colors have no numbers and are refused.

    Raises:
        ImageFileError: if it cannot be decoded, has colors, or numbers above 255.
    """
    picture = _open(path, _content(path))
    if picture.mode not in ("P", "L", "1", "I;16", "I"):
        raise ImageFileError(f"{path}: a mask must hold class numbers (gray or palette), this one has colors ({picture.mode})")
    try:
        picture.load()
        classes = np.asarray(_turned(picture, _orientation(picture)))
    except _DAMAGED as error:
        raise _refused(path, error) from error
    if classes.min() < 0 or classes.max() > 255:
        raise ImageFileError(f"{path}: class numbers must be from 0 to 255, but there is {int(classes.max())}")
    return torch.from_numpy(classes.astype(np.uint8))


def decode_values(path: str | Path) -> Tensor:
    """A file of real values (such as depth) as `float32` `[H, W]`, turned as its EXIF says: its numbers as they are.

    Gray images of 8, 16 or 32 bits and real-valued TIFF files are read. Palettes and colors have no values and are refused.

    Raises:
        ImageFileError: if it cannot be decoded, has colors, or values that are infinite.
    """
    picture = _open(path, _content(path))
    if picture.mode not in ("L", "F") and not picture.mode.startswith("I"):
        raise ImageFileError(f"{path}: an image of values must be gray (8 or 16 bits, or real), this one has {picture.mode}")
    try:
        picture.load()
        values = np.asarray(_turned(picture, _orientation(picture))).astype(np.float32)
    except _DAMAGED as error:
        raise _refused(path, error) from error
    if np.isinf(values).any():
        raise ImageFileError(f"{path}: a value is infinite; NaN marks a pixel that was not measured")
    return torch.from_numpy(values)


def _content(path: str | Path) -> bytes:
    path = Path(path)
    try:
        if not path.is_file():  # also: a pipe or a device, which may never end
            raise ImageFileError(f"{path}: there is no such file")
        content = path.read_bytes()
    except OSError as error:
        raise ImageFileError(f"{path}: cannot be read ({error.strerror})") from error
    if not content:
        raise ImageFileError(f"{path}: the file is empty")
    return content


def _open(path: str | Path, content: bytes) -> Image.Image:
    try:
        _check_png(content)
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{path}: not an image, or damaged at its beginning") from error
    except Image.DecompressionBombError as error:
        raise ImageFileError(f"{path}: too large to be a photograph ({error})") from error
    except _DAMAGED as error:
        raise _refused(path, error) from error
    _check_size(path, *picture.size)
    return picture


def _check_png(content: bytes) -> None:
    """Look at the checksums of a PNG file, which Pillow leaves out for the pixels themselves."""
    place = 8 if content[:8] == b"\x89PNG\r\n\x1a\n" else len(content)
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        if zlib.crc32(memoryview(content)[place + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise ValueError("the file is truncated, or a checksum does not fit")
        place = end + 4


def _check_size(path: str | Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageFileError(f"{path}: {width:,}×{height:,} pixels are too many (at most {MAX_PIXELS:,}); make it smaller")


def _refused(path: str | Path, error: Exception) -> ImageFileError:
    if isinstance(error, ImageFileError):
        return error
    return ImageFileError(f"{path}: cannot be decoded ({' '.join(str(error).split())[:200]})")


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
    return picture if picture.mode == mode else picture.convert(mode)


def _orientation(picture: Image.Image) -> int:
    """As EXIF counts, from 1 (upright) to 8."""
    if picture.format == "JPEG" and "exif" not in picture.info:  # the ordinary case, and looking takes long
        return 1
    try:
        found = int(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except (*_DAMAGED, AttributeError):  # a damaged EXIF block does not spoil the picture
        return 1
    return found if found in _TURNS else 1


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture
