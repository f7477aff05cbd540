"""Moving pictures of missions."""

import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from edge.domain.errors import LunaError
from ros_nodes.navigation import images
from ros_nodes.simulation import film
from ros_nodes.simulation.replay_command import command


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Of a PNG, each with its checksum looked at."""
    found, at = [], 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(kind + body),)
        found.append((kind, body))
        at += length + 12
    return found


def played(data: bytes) -> list[images.Gray]:
    """The frames of an animated PNG, as a viewer would put them together."""
    shown, out, at, numbers = np.zeros((0, 0, 3), np.uint8), [], (0, 0, 0, 0), []
    for kind, body in chunks(data):
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", body)
            shown = np.zeros((height, width, 3), np.uint8)
        elif kind == b"fcTL":
            number, *at_, _, _, _, _ = struct.unpack(">IIIIIHHBB", body)
            numbers.append(number)
            at = (at_[0], at_[1], at_[2], at_[3])
        elif kind in (b"IDAT", b"fdAT"):
            later = kind == b"fdAT"
            numbers += struct.unpack_from(">I", body) if later else ()
            width, height, left, top = at
            data = zlib.decompress(body[4:] if later else body)
            rows = np.frombuffer(data, np.uint8).reshape(height, -1)
            part = rows[:, 1:].reshape(height, width, 3)
            shown[top : top + height, left : left + width] = part
            out.append(shown.copy())
    assert numbers == list(range(len(numbers)))
    return out


def test_an_animation_shows_each_picture_again(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    pictures = [np.zeros((20, 30, 3), np.uint8) for _ in range(4)]
    for picture in pictures[1:3]:
        picture[5:9, 7:20] = chance.integers(0, 255, (4, 13, 3))
    path = tmp_path / "film.png"
    assert film.write_animation(pictures, path, 0.1) == 4
    for got, wanted in zip(played(path.read_bytes()), pictures, strict=True):
        assert (got == wanted).all()
    assert images.decode(path.read_bytes()).shape == (20, 30)  # also of use as a still picture


def test_a_mission_can_be_watched_again(tmp_path: Path) -> None:
    path = tmp_path / "mission.png"
    done = CliRunner().invoke(command, ["73", "--map", "maze", "--out", str(path)])
    assert done.exit_code == 0, done.exception
    assert "arrived" in done.stdout
    shown = played(path.read_bytes())
    assert f"{len(shown)} frames" in done.stdout
    assert len(shown) > 50
    moved = [(one != other).any() for one, other in itertools.pairwise(shown)]
    assert all(moved[4:-1])


def test_another_kind_of_picture_is_refused_in_words(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["1", "--out", str(tmp_path / "film.gif")])
    assert isinstance(done.exception, LunaError)
    assert "no PNG" in str(done.exception)


def test_frames_can_be_written_one_by_one(tmp_path: Path) -> None:
    pictures = [np.full((4, 6, 3), level, np.uint8) for level in (10, 200)]
    assert film.write_frames(pictures, tmp_path / "frames") == 2
    second = (tmp_path / "frames" / "frame-0002.png").read_bytes()
    assert (images.decode(second) == 200).all()
