"""Grey images as maps have them."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ros_nodes.navigation import images

PIXELS = np.array([[0, 10, 205], [254, 255, 128]], np.uint8)


def test_what_is_written_is_read_again() -> None:
    for encode in (images.encode_pgm, images.encode_png):
        assert np.array_equal(images.decode(encode(PIXELS)), PIXELS)


def test_an_rgb_png_is_read_as_its_brightness() -> None:
    colours = np.stack([PIXELS] * 3, axis=2)
    assert np.array_equal(images.decode(images.encode_png(colours)), PIXELS)


@pytest.mark.parametrize(
    "data",
    [
        b"P2\n# CREATOR: map_saver 0.050 m/pix\n3 2\n255\n0 10 205\n254 255 128\n",
        b"P5 3 2 255\n" + PIXELS.tobytes(),
        b"P5\n#a\n#b\n3\n2\n#c\n255\n" + PIXELS.tobytes(),
        b"P5\n3 2\n255\n" + PIXELS.tobytes() + b"more",
    ],
)
def test_every_way_to_write_a_pgm_header_is_read(data: bytes) -> None:
    assert np.array_equal(images.decode(data), PIXELS)


def test_a_first_pixel_that_looks_like_a_comment_or_a_blank_is_a_pixel() -> None:
    for first in (ord("#"), ord(" "), ord("\n"), ord("7")):
        pixels = PIXELS.copy()
        pixels[0, 0] = first
        assert np.array_equal(images.decode(images.encode_pgm(pixels)), pixels)


def test_fewer_grey_levels_are_stretched() -> None:
    assert images.decode(b"P5\n2 1\n15\n\x00\x0f").tolist() == [[0, 255]]


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_of_png_is_undone(kind: int) -> None:
    rng = np.random.default_rng(kind)
    pixels = rng.integers(0, 256, (6, 7), dtype=np.uint8)
    body = b"".join(
        bytes([kind]) + _filtered(kind, pixels[row], pixels[row - 1] if row else pixels[0] * 0)
        for row in range(6)
    )
    header = struct.pack(">IIBBBBB", 7, 6, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in chunks
    )
    assert np.array_equal(images.decode(data), pixels)


def _filtered(kind: int, row: images.Gray, above: images.Gray) -> bytes:
    """The filters as the PNG specification defines them, for one byte a pixel."""
    left = [0, *row[:-1].tolist()]
    corner = [0, *above[:-1].tolist()]
    out = []
    for x, a, b, c in zip(row.tolist(), left, above.tolist(), corner, strict=True):
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        out.append((x - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
    return bytes(out)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "neither"),
        (b"GIF89a", "neither"),
        (b"P5\nx", "header"),
        (b"P5\n3 2\n65535\n", "grey levels"),
        (b"P5\n3 2\n255\nabc", "ends early: 3 of 6"),
        (b"P5\n99999 99999\n255\n", "not sensible"),
        (b"P2\n2 1\n255\n7", "ends early"),
        (b"\x89PNG\r\n\x1a\n", "broken"),
        (images.encode_png(PIXELS)[:-30], "broken|early"),
    ],
)
def test_a_broken_image_is_refused_in_words(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        images.decode(data)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_never_read_wrong(data: bytes) -> None:
    for head in (b"", b"P5\n", b"P2\n2 2\n255\n", b"\x89PNG\r\n\x1a\n"):
        try:
            images.decode(head + data)
        except ValueError as error:
            assert "\n" not in str(error)
