"""The map's picture, without a picture library."""

import os
import struct
import zlib
from pathlib import Path

import pytest

from api.maps import MapFile, png
from edge.domain.errors import NotFoundError

DESCRIBED = "image: map.pgm\nresolution: 0.05\norigin: [-10.1, -7.81, 0]\nnegate: 0\n"


def pixels_of(picture: bytes) -> list[bytes]:
    """Rows of an 8-bit grey PNG with one chunk of data."""
    width, height, depth, colour = struct.unpack(">IIBB", picture[16:26])
    assert (depth, colour) == (8, 0)
    (length,) = struct.unpack(">I", picture[33:37])
    rows = zlib.decompress(picture[41 : 41 + length])
    assert rows[:: width + 1] == bytes(height)
    return [rows[at + 1 : at + width + 1] for at in range(0, len(rows), width + 1)]


def described(tmp_path: Path, image: bytes, text: str = DESCRIBED) -> MapFile:
    (tmp_path / "map.pgm").write_bytes(image)
    (tmp_path / "map.yaml").write_text(text)
    return MapFile(tmp_path / "map.yaml")


@pytest.mark.parametrize(
    "header", [b"P5\n3 2\n255\n", b"P5 3 2 255 ", b"P5\n# CREATOR: map_saver\n3 2\n# grey\n255\n"]
)
def test_a_pgm_becomes_the_same_picture_as_png(tmp_path: Path, header: bytes) -> None:
    found = described(tmp_path, header + b"\x00\x7f\xfe" + b"\xcd\xff\x0a").get()
    assert pixels_of(found.png) == [b"\x00\x7f\xfe", b"\xcd\xff\x0a"]
    assert (found.width, found.height) == (3, 2)
    assert (found.resolution, found.origin) == (0.05, (-10.1, -7.81, 0.0))


def test_a_png_is_passed_on_as_it_is(tmp_path: Path) -> None:
    picture = png(2, 1, b"\x00\xff")
    found = described(tmp_path, picture).get()
    assert (found.png, found.width, found.height) == (picture, 2, 1)


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (b"P5\n3 2\n255\n\x00\x00", DESCRIBED),
        (b"P2\n1 1\n255\n0", DESCRIBED),
        (b"", DESCRIBED),
        (b"P5\n1 1\n255\n\x00", "image: [not yaml"),
        (b"P5\n1 1\n255\n\x00", "just text"),
        (b"P5\n1 1\n255\n\x00", "image: map.pgm\nresolution: fine\norigin: [0, 0, 0]"),
        (b"P5\n1 1\n255\n\x00", "image: other.pgm\nresolution: 1\norigin: [0, 0, 0]"),
    ],
)
def test_what_is_no_map_is_not_there(tmp_path: Path, image: bytes, text: str) -> None:
    with pytest.raises(NotFoundError):
        described(tmp_path, image, text).get()


def test_a_map_that_changed_is_read_again(tmp_path: Path) -> None:
    file = described(tmp_path, b"P5\n1 1\n255\n\x00")
    before = file.get()
    assert file.get() is before
    (tmp_path / "map.pgm").write_bytes(b"P5\n1 1\n255\n\xff")
    os.utime(tmp_path / "map.pgm", (1, 1))
    assert file.get().etag != before.etag
