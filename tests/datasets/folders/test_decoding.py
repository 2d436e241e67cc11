"""Pictures of every kind come out as they look; damaged ones are told with their file."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets.folder import default_loader
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import pil_to_tensor

from mtl_utils.datasets.folders import FolderError, ImageFileError, decode, decode_mask, frame
from mtl_utils.datasets.folders.decoding import MAX_PIXELS

GRADIENT = np.arange(7 * 5 * 3, dtype=np.uint8).reshape(7, 5, 3) * 2


def chw(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm", "webp"])
def test_lossless_formats_give_their_pixels(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(GRADIENT).save(path, **({"lossless": True} if suffix == "webp" else {}))
    assert torch.equal(decode(path), chw(GRADIENT))


def test_jpeg_is_what_image_folder_gives(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(GRADIENT).save(path)
    assert torch.equal(decode(path), pil_to_tensor(default_loader(str(path))))


def test_gray_has_three_equal_channels_or_one(tmp_path):
    path = tmp_path / "a.png"
    gray = GRADIENT[..., 0]
    Image.fromarray(gray).save(path)
    assert torch.equal(decode(path), torch.from_numpy(gray).expand(3, -1, -1))
    assert torch.equal(decode(path, color=False), torch.from_numpy(gray)[None])


def test_palette(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png")[:, 0].T.tolist() == [[10, 20, 30], [200, 100, 50]]
    picture.save(tmp_path / "a.gif")
    assert decode(tmp_path / "a.gif")[:, 0].T.tolist() == [[10, 20, 30], [200, 100, 50]]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(tmp_path, mode):
    picture = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
    picture.putpixel((1, 0), (9, 9, 9, 0))
    if mode == "P":
        picture = Image.new("P", (2, 1))
        picture.putpalette([0, 0, 0, 9, 9, 9])
        picture.putpixel((1, 0), 1)
        picture.save(tmp_path / "a.png", transparency=1)
    else:
        picture.convert(mode).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png")[:, 0].T.tolist() == [[0, 0, 0], [255, 255, 255]]


def test_gray_with_a_transparent_value_is_not_taken_for_a_plain_one(tmp_path):
    Image.fromarray(np.array([[0, 40]], dtype=np.uint8)).save(tmp_path / "a.png", transparency=40)
    assert decode(tmp_path / "a.png", color=False)[0, 0].tolist() == [0, 255]


def test_cmyk_looks_like_its_colors(tmp_path):
    Image.new("RGB", (16, 16), (200, 100, 50)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert (decode(tmp_path / "a.jpg").float().mean((1, 2)) - torch.tensor([200.0, 100, 50])).abs().max() < 4


def test_sixteen_bits_are_scaled_not_cut(tmp_path):
    values = np.array([[0, 257, 128 * 257, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", color=False)[0, 0].tolist() == [0, 1, 128, 255]
    Image.fromarray(values).save(tmp_path / "a.tiff")
    assert decode(tmp_path / "a.tiff")[0, 0].tolist() == [0, 1, 128, 255]


def test_real_valued_pixels_are_refused(tmp_path):
    Image.fromarray(np.zeros((2, 2), dtype=np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(ImageFileError, match=r"a\.tiff.*real numbers"):
        decode(tmp_path / "a.tiff")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "gray.png"])
def test_exif_turns_the_picture(tmp_path, orientation, suffix):
    pixels = np.zeros((16, 32, 3), dtype=np.uint8)
    pixels[:8, :16] = 255  # upper left is white
    picture = Image.fromarray(pixels[..., 0] if "gray" in suffix else pixels)
    exif = picture.getexif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    picture.save(path, exif=exif)
    made = decode(path, color=False)[0].float()
    assert tuple(made.shape) == ((16, 32) if orientation < 5 else (32, 16))
    rows, columns = made.shape
    corner = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[orientation]
    for row in (0, 1):
        for column in (0, 1):
            quarter = made[row * rows // 2 : (row + 1) * rows // 2, column * columns // 2 : (column + 1) * columns // 2]
            assert (quarter.mean() > 128) == ((row, column) == corner)


def test_of_an_animation_the_first_frame(tmp_path):
    first, second = Image.new("RGB", (3, 3), (255, 0, 0)), Image.new("RGB", (3, 3), (0, 255, 0))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert decode(tmp_path / "a.gif")[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("height", "width"), [(40, 60), (61, 40), (100, 100), (33, 97)])
@pytest.mark.parametrize("size", [16, 32, 50])
def test_crop_is_torchvisions_resize_and_center_crop(tmp_path, height, width, size):
    pixels = torch.randint(256, (3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    Image.fromarray(pixels.movedim(0, -1).numpy()).save(tmp_path / "a.png")
    expected = v2.Compose([v2.Resize(size, antialias=True), v2.CenterCrop(size)])(pixels)
    assert torch.equal(decode(tmp_path / "a.png", (size, size)), expected)


def test_pad_shows_all_between_bars(tmp_path):
    Image.new("RGB", (40, 20), (255, 255, 255)).save(tmp_path / "a.png")
    made = decode(tmp_path / "a.png", (16, 16), fit="pad")
    assert (made[:, 4:12] == 255).all()
    assert (made[:, :4] == 0).all()
    assert (made[:, 12:] == 0).all()


def test_stretch_changes_the_shape(tmp_path):
    pixels = np.zeros((20, 40), dtype=np.uint8)
    pixels[:, 20:] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    made = decode(tmp_path / "a.png", (10, 10), fit="stretch", color=False)
    assert (made[0, :, :4] == 0).all()
    assert (made[0, :, 6:] == 255).all()


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (31, 77)])
def test_image_mask_and_box_move_together(fit, shape):
    """A bright rectangle, its mask and its box, all framed, still cover one another."""
    image, box = torch.zeros(1, *shape, dtype=torch.uint8), torch.tensor([[14.0, 12.0, 30.0, 28.0]])
    image[0, 12:28, 14:30] = 255
    framed = frame(shape, (24, 24), fit)
    mask = framed.mask((image[0] > 0).long(), -100)
    picture = framed.image(image)[0]
    x0, y0, x1, y1 = framed.boxes(box)[0].tolist()
    rows, columns = torch.nonzero(mask == 1, as_tuple=True)
    for found, expected in ((rows.min(), y0), (rows.max() + 1, y1), (columns.min(), x0), (columns.max() + 1, x1)):
        assert abs(float(found) - expected) <= 1
    assert (picture[mask == 1] > 100).float().mean() > 0.9
    assert (picture[mask != 1] < 160).all()
    if fit == "pad":
        assert (mask == -100).any()


def test_boxes_are_cut_at_the_border():
    framed = frame((10, 20), (10, 10), "crop")
    assert framed.boxes(torch.tensor([[0.0, 2.0, 20.0, 5.0]])).tolist() == [[0.0, 2.0, 10.0, 5.0]]
    with pytest.raises(ValueError, match="fit= must be one of crop, pad, stretch"):
        frame((10, 20), (10, 10), "zoom")


def damaged(tmp_path, kind):
    path = tmp_path / "名 x.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "PNG" if "png" in kind else "JPEG")
    content = stream.getvalue()
    if kind.startswith("half"):
        content = content[: len(content) // 2]
    elif kind == "empty":
        content = b""
    elif kind == "text":
        content = b"this is no image"
    elif kind == "head only":
        content = content[:12]
    elif kind == "png changed":
        content = content[:200] + bytes(reversed(content[200:400])) + content[400:]
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["half jpeg", "half png", "empty", "text", "head only", "png changed"])
def test_damaged_files_are_named(tmp_path, kind):
    path = damaged(tmp_path, kind)
    with pytest.raises(ImageFileError, match=r"名 x\.jpg"):
        decode(path)
    with pytest.raises(ImageFileError, match=r"名 x\.jpg"):
        decode_mask(path)


def test_a_picture_that_is_a_program_for_ghostscript_is_no_image(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n")
    with pytest.raises(ImageFileError, match="not an image"):
        decode(path)


def test_a_folder_and_a_missing_file_are_no_images(tmp_path):
    with pytest.raises(ImageFileError, match="no such file"):
        decode(tmp_path)
    with pytest.raises(ImageFileError, match="no such file"):
        decode(tmp_path / "none.png")


@pytest.mark.parametrize("color_type", [0, 2, 3, 6])
def test_a_decompression_bomb_is_refused_from_its_head(tmp_path, color_type):
    side = int(MAX_PIXELS**0.5) + 2

    def block(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, color_type, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + block(b"IHDR", head) + block(b"PLTE", b"abc") * (color_type == 3)
    (tmp_path / "a.png").write_bytes(bomb + block(b"IDAT", zlib.compress(bytes(1000))) + block(b"IEND", b""))
    with pytest.raises(ImageFileError, match=r"a\.png.*pixels are too many"):
        decode(tmp_path / "a.png")


def test_masks_give_their_numbers(tmp_path):
    numbers = np.array([[0, 1], [2, 255]], dtype=np.uint8)
    Image.fromarray(numbers).save(tmp_path / "gray.png")
    picture = Image.new("P", (2, 2))
    picture.putdata(numbers.flatten().tolist())
    picture.putpalette([9, 9, 9] * 256)
    picture.save(tmp_path / "palette.png")
    for name in ("gray.png", "palette.png"):
        assert decode_mask(tmp_path / name).tolist() == numbers.tolist()
    Image.new("RGB", (2, 2)).save(tmp_path / "rgb.png")
    with pytest.raises(ImageFileError, match=r"rgb\.png.*has colors"):
        decode_mask(tmp_path / "rgb.png")
    Image.fromarray(np.array([[1000]], dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ImageFileError, match="from 0 to 255, but there is 1000"):
        decode_mask(tmp_path / "deep.png")


def test_errors_are_values_errors_with_all_problems():
    error = FolderError("head", [f"file {number}" for number in range(13)])
    assert isinstance(error, ValueError)
    assert len(error.problems) == 13
    assert "and 3 more" in str(error)


def test_a_large_jpeg_is_scaled_nearly_as_torchvision_does(tmp_path):
    smooth = torch.nn.functional.interpolate(
        torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0)), (600, 800), mode="bicubic"
    )
    pixels = (smooth[0].clamp(0, 1) * 255).byte()
    Image.fromarray(pixels.movedim(0, -1).numpy()).save(tmp_path / "a.jpg", quality=95)
    expected = v2.Compose([v2.Resize(64, antialias=True), v2.CenterCrop(64)])(pixels)
    assert (decode(tmp_path / "a.jpg", (64, 64)).float() - expected.float()).abs().mean() < 2
