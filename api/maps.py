"""The robot's map as a PNG, made from its map_server files without numpy: an API process is small."""

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import yaml

from edge.domain.errors import NotFoundError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PGM_HEADER = re.compile(rb"P5(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s")


@dataclass(frozen=True, slots=True)
class Map:
    """`resolution`: m a pixel. `origin`: x, y (m) and theta (rad) of the lower left pixel in the `map` frame."""

    png: bytes
    width: int
    height: int
    resolution: float
    origin: tuple[float, float, float]

    @property
    def etag(self) -> str:
        return f'"{zlib.crc32(self.png):08x}"'


class MapFile:
    """The map at `path` (YAML), read again only when a file changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[float, float] | None = None
        self._map: Map | None = None

    def get(self) -> Map:
        """Raises NotFoundError where there is no map that can be read."""
        try:
            described = yaml.safe_load(self._path.read_text())
            image = self._path.parent / described["image"]
            seen = (self._path.stat().st_mtime, image.stat().st_mtime)
            if self._map is None or seen != self._seen:
                self._map, self._seen = _read(described, image), seen
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            raise NotFoundError("NO_SUCH_MAP") from error
        return self._map


def _read(described: dict[str, object], image: Path) -> Map:
    data = image.read_bytes()
    if data.startswith(PNG_SIGNATURE):
        width, height = struct.unpack(">II", data[16:24])
    else:
        width, height, data = _png_of_pgm(data)
    origin = described["origin"]
    resolution = described["resolution"]
    if not isinstance(origin, list) or not isinstance(resolution, int | float):
        raise ValueError("origin or resolution is not a number")
    x, y, theta = (float(value) for value in origin)
    return Map(data, width, height, float(resolution), (x, y, theta))


def _png_of_pgm(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and the same grey picture as PNG. Raises ValueError."""
    header = PGM_HEADER.match(data)
    if header is None:
        raise ValueError("not a binary PGM")
    width, height, white = (int(group) for group in header.groups())
    pixels = data[header.end() : header.end() + width * height]
    if not 0 < white < 256 or len(pixels) != width * height:
        raise ValueError("a PGM that is cut short, or not of 8 bits")
    return width, height, png(width, height, pixels)


def png(width: int, height: int, pixels: bytes) -> bytes:
    """An 8-bit grey PNG of `pixels`, row by row from the top."""
    rows = b"".join(b"\0" + pixels[row * width : (row + 1) * width] for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        PNG_SIGNATURE
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(rows, 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
