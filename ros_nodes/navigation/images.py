"""Grey images in the two forms that map files use: PGM (P2, P5) and PNG of 8 bits without
interlace.

Arrays are uint8 with the top row first, as in the files. Only what maps need is read; all else is a
ValueError that says what it is.
"""

import re
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

MAX_PIXELS = 64_000_000
"""400 m x 400 m in cells of 5 cm; more is a mistake, and would fill the robot's memory."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PGM_HEADER = re.compile(rb"P([25])" + rb"(?:\s|#[^\n]*\n)+(\d+)" * 3 + rb"\s")
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def decode(data: bytes) -> Gray:
    """The grey levels of a PGM or PNG file. Raises ValueError that says in words what is wrong."""
    if data.startswith(PNG_MAGIC):
        return _decode_png(data)
    if data[:2] in (b"P2", b"P5"):
        return _decode_pgm(data)
    raise ValueError("it is neither a PGM nor a PNG image")


def _decode_pgm(data: bytes) -> Gray:
    header = _PGM_HEADER.match(data)
    if header is None:
        raise ValueError("its PGM header is broken")
    width, height, largest = (int(number) for number in header.groups()[1:])
    _check_size(width, height)
    if not 0 < largest < 256:
        raise ValueError(f"it has {largest} grey levels; 255 are supported")
    body = data[header.end() :]
    if header[1] == b"2":
        numbers = re.sub(rb"#[^\n]*", b"", body).split()[: width * height]
        pixels = np.array([int(number) for number in numbers])
    else:
        pixels = np.frombuffer(body[: width * height], np.uint8)
    if pixels.size < width * height:
        raise ValueError(f"it ends early: {pixels.size} of {width * height} pixels")
    if largest != 255:
        pixels = np.rint(np.minimum(pixels, largest) * (255.0 / largest))
    return pixels.astype(np.uint8).reshape(height, width)


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(f"its size of {width} x {height} pixels is not sensible")


def _decode_png(data: bytes) -> Gray:
    try:
        chunks = _png_chunks(data)
        width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        _check_size(width, height)
        if depth != 8 or colour not in _CHANNELS or interlace:
            raise ValueError(
                "only PNG images with 8 bits, grey or RGB, not interlaced, are supported"
            )
        stride = width * _CHANNELS[colour]
        raw = zlib.decompressobj().decompress(chunks[b"IDAT"], height * (stride + 1))
        if len(raw) < height * (stride + 1):
            raise ValueError("it ends early")
        rows = np.frombuffer(raw, np.uint8).reshape(height, stride + 1)
    except (KeyError, IndexError, struct.error, zlib.error) as error:
        raise ValueError("its PNG data are broken") from error
    pixels = _unfilter(rows, _CHANNELS[colour]).reshape(height, width, -1)
    colours = pixels[:, :, : 1 if colour in (0, 4) else 3]
    gray: Gray = np.rint(colours.mean(axis=2)).astype(np.uint8)
    return gray


def _png_chunks(data: bytes) -> dict[bytes, bytes]:
    """Chunks by type, those of one type joined."""
    chunks: dict[bytes, bytes] = {}
    at = len(PNG_MAGIC)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        chunks[kind] = chunks.get(kind, b"") + data[at + 8 : at + 8 + length]
        at += length + 12
    return chunks


def _unfilter(rows: Gray, step: int) -> Gray:
    """Undo the filters of PNG (none, sub, up, average, Paeth), a row at a time."""
    out = np.zeros((rows.shape[0] + 1, rows.shape[1] - 1), np.uint8)
    for number, row in enumerate(rows):
        kind, line, above = int(row[0]), row[1:], out[number]
        if kind in (0, 2):
            out[number + 1] = line if kind == 0 else line + above
        elif kind in (1, 3, 4):
            out[number + 1] = _unfilter_bytewise(kind, line.tolist(), above.tolist(), step)
        else:
            raise ValueError("its PNG data are broken")
    return out[1:]


def _unfilter_bytewise(kind: int, line: list[int], above: list[int], step: int) -> list[int]:
    for at, up in enumerate(above):
        left, corner = (line[at - step], above[at - step]) if at >= step else (0, 0)
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + up) // 2
        else:
            off = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
            guess = (left, up, corner)[off.index(min(off))]
        line[at] = (line[at] + guess) & 255
    return line


def encode_png(pixels: Gray) -> bytes:
    """A PNG of grey levels (h, w) or of RGB colours (h, w, 3)."""
    return (
        PNG_MAGIC
        + png_header(pixels)
        + png_chunk(b"IDAT", png_data(pixels))
        + png_chunk(b"IEND", b"")
    )


def png_header(pixels: Gray) -> bytes:
    """The chunk that a PNG of such pixels begins with."""
    height, width = pixels.shape[:2]
    colour = 0 if pixels.ndim == 2 else 2
    return png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))


def png_data(pixels: Gray) -> bytes:
    """Compressed rows, unfiltered."""
    height = pixels.shape[0]
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    return zlib.compress(rows.tobytes(), 6)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def encode_pgm(pixels: Gray) -> bytes:
    """A binary PGM (P5)."""
    height, width = pixels.shape
    return b"P5\n%d %d\n255\n" % (width, height) + pixels.tobytes()
