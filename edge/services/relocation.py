"""Somebody says where the robot is: what cannot be true is refused at once, wherever it is said."""

import math
import re
from pathlib import Path
from typing import Any

from edge.domain.errors import ValidationError

FARTHEST_M = 10_000.0
_PGM = re.compile(rb"P5(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s")
_HEADER_BYTES = 1024
_TRINARY_OCCUPIED = 0.65


def check_pose(map_file: Path, x: float, y: float, theta: float) -> dict[str, float]:
    """The parameters of an order INITIAL_POSE, in m and rad of the `map` frame.

    Raises ValidationError where that is no place for a robot: no numbers, off the map, in a wall. A map that cannot
    be read here refuses nothing: the robot looks at it again.
    """
    if not all(math.isfinite(value) for value in (x, y, theta)) or max(abs(x), abs(y)) > FARTHEST_M:
        raise _refused("POSE_NO_NUMBERS")
    try:
        darkness = _darkness_at(map_file, x, y)
    except (OSError, ValueError, KeyError, TypeError):
        darkness = 0.0
    if darkness is None:
        raise _refused("POSE_OFF_MAP")
    if darkness >= _TRINARY_OCCUPIED:
        raise _refused("POSE_IN_WALL")
    return {"x": x, "y": y, "theta": math.remainder(theta, math.tau)}


def _refused(sentence: str) -> ValidationError:
    return ValidationError(sentence, fields={"x": [sentence], "y": [sentence]})


def _darkness_at(map_file: Path, x: float, y: float) -> float | None:
    """How surely there is something, 0 to 1; None off the map. Raises OSError, ValueError, KeyError or TypeError
    where the map is no YAML with a binary PGM of 8 bits."""
    facts = _facts(map_file)
    left, lower, turn = (float(value) for value in facts["origin"])
    dx, dy = x - left, y - lower
    column = math.floor((math.cos(turn) * dx + math.sin(turn) * dy) / facts["resolution"])
    up = math.floor((math.cos(turn) * dy - math.sin(turn) * dx) / facts["resolution"])
    with (map_file.parent / facts["image"]).open("rb") as image:
        header = _PGM.match(image.read(_HEADER_BYTES))
        if header is None:
            raise ValueError("not a binary PGM")
        width, height, white = (int(group) for group in header.groups())
        if not (0 <= column < width and 0 <= up < height):
            return None
        image.seek(header.end() + (height - 1 - up) * width + column)
        share: float = image.read(1)[0] / white
    return share if facts.get("negate") else 1 - share


def _facts(map_file: Path) -> dict[str, Any]:
    """What stands in the YAML file. Raises as `_darkness_at`."""
    import yaml  # seldom needed, and costs memory in processes that have no map

    try:
        facts = yaml.safe_load(map_file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error
    if not isinstance(facts, dict):
        raise TypeError("no mapping")
    return facts
