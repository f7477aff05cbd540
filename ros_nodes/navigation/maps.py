"""Occupancy maps in the form of map_server: a YAML file beside a PGM or PNG image.

The image's top row is the map's far end; in an OccupancyGrid row 0 is at the origin, as in
nav_msgs/OccupancyGrid.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from ros_nodes.navigation import images
from ros_nodes.navigation.errors import MapError
from ros_nodes.navigation.field import Field, Mask, dilate, distance_to, label_regions
from ros_nodes.navigation.geometry import Points, Pose

UNKNOWN = -1
FREE = 0
OCCUPIED = 100

_OCCUPIED_FROM, _FREE_UP_TO = 65, 25
_CLEARANCE_LIMIT_M = 3.0
_GAP_LIMIT_M2 = 2.0
_SAVER_LEVELS = {0, 205, 254, 255}
_SAVER_UNKNOWN = 205
_MODES = ("trinary", "scale", "raw")
_HINT = "Give the YAML file that map_saver writes beside its image."


@dataclass(frozen=True, eq=False)
class OccupancyGrid:
    """`cells[row, column]` is -1 (never seen) or 0 (free) to 100 (occupied); `origin` is the outer
    corner of cell (0, 0) in the `map` frame, with the grid's yaw."""

    cells: NDArray[np.int8]
    resolution_m: float
    origin: Pose

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height."""
        return self.cells.shape[1] * self.resolution_m, self.cells.shape[0] * self.resolution_m

    def cells_of(self, points: Points) -> NDArray[np.float64]:
        """Points (n, 2) of the map in cells (column, row); a cell's centre is at a half. May lie
        outside."""
        return self.origin.points_in(points) / self.resolution_m

    def cell_of(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) of a place; may lie outside of the grid."""
        column, row = np.floor(self.cells_of(np.array([[x, y]])))[0]
        return int(row), int(column)

    def centres(self, cells: NDArray[Any]) -> Points:
        """Places of the centres of cells (n, 2) given as (row, column)."""
        inner = (cells[:, ::-1] + 0.5) * self.resolution_m
        return self.origin.points_out(inner)

    def centre(self, row: int, column: int) -> tuple[float, float]:
        x, y = self.centres(np.array([[row, column]]))[0]
        return float(x), float(y)

    def lookup(self, values: NDArray[Any], points: Points, outside: Any) -> NDArray[Any]:
        """Values of a field of this grid at points (n, 2)."""
        column, row = np.floor(self.cells_of(points)).astype(np.int64).T
        height, width = values.shape
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        found = np.full(len(points), outside, values.dtype)
        found[inside] = values[row[inside], column[inside]]
        return found

    @cached_property
    def occupied(self) -> Mask:
        return self.cells >= _OCCUPIED_FROM

    @cached_property
    def drivable(self) -> Mask:
        """Free cells, and gaps: patches never seen that touch neither an obstacle nor the map's
        edge.

        Scan rays leave such shadows in open space. An obstacle would have left an outline around
        them.
        """
        free: Mask = (self.cells >= 0) & (self.cells <= _FREE_UP_TO)
        patches = label_regions(~free & ~self.occupied)
        sizes = np.bincount(patches.ravel())
        solid = sizes * self.resolution_m**2 > _GAP_LIMIT_M2
        edge = np.concatenate([patches[0], patches[-1], patches[:, 0], patches[:, -1]])
        solid[np.unique(patches[dilate(self.occupied)])] = True
        solid[np.unique(edge)] = True
        solid[0] = True
        return free | ~solid[patches]

    @cached_property
    def clearance_m(self) -> Field:
        """Distance from each cell's centre to the surface of what is not drivable, at most 3 m; the
        edge is a wall. 0 inside of walls."""
        walls = np.pad(~self.drivable, 1, constant_values=True)
        away = self._distance_m(walls)[1:-1, 1:-1] - np.float32(self.resolution_m / 2)
        clearance: Field = np.maximum(away, np.float32(0.0))
        return clearance

    @cached_property
    def obstacle_distance_m(self) -> Field:
        """Signed distance to the surface of what is occupied: below 0 inside of it, at most 3 m."""
        outside = self._distance_m(self.occupied)
        inside = self._distance_m(~self.occupied)
        half = np.float32(self.resolution_m / 2)
        signed: Field = np.where(self.occupied, half - inside, outside - half)
        return signed

    def _distance_m(self, mask: Mask) -> Field:
        limit = math.ceil(_CLEARANCE_LIMIT_M / self.resolution_m)
        return distance_to(mask, limit) * np.float32(self.resolution_m)

    def passable(self, radius_m: float) -> Mask:
        """Where the centre of a round body may be: the map inflated by its radius."""
        return self.clearance_m > radius_m

    def clearance_at(self, x: float, y: float) -> float:
        """Distance to the nearest place that is not drivable, in metres; 0 outside of the map."""
        return float(self.lookup(self.clearance_m, np.array([[x, y]]), 0.0)[0])

    def clearance_along(self, start: tuple[float, float], end: tuple[float, float]) -> float:
        """The least clearance on a straight way, looked at in each half cell."""
        return float(self.values_along(self.clearance_m, start, end, 0.0).min())

    def values_along(
        self,
        values: NDArray[Any],
        start: tuple[float, float],
        end: tuple[float, float],
        outside: Any,
    ) -> NDArray[Any]:
        """Values of a field of this grid on a straight way, one for each half cell."""
        steps = max(1, math.ceil(2 * math.dist(start, end) / self.resolution_m))
        share = np.linspace(0.0, 1.0, steps + 1)[:, None]
        return self.lookup(values, np.array(start) * (1 - share) + np.array(end) * share, outside)

    def to_png(self) -> bytes:
        """The map as people know it: black walls, white floor, grey for what was never seen."""
        return images.encode_png(self.to_gray())

    def to_gray(self) -> images.Gray:
        """Grey levels with the far end first, as map_saver writes them (254 free, 205 unknown, 0
        occupied)."""
        gray = np.full(self.cells.shape, _SAVER_UNKNOWN, np.uint8)
        gray[(self.cells >= 0) & (self.cells <= _FREE_UP_TO)] = 254
        gray[self.occupied] = 0
        return np.ascontiguousarray(gray[::-1])


def load_map(path: Path) -> OccupancyGrid:
    """Read a map. Raises MapError, in one line, where it is missing, not a map, or has no free
    space."""
    facts = _read_yaml(path)
    resolution = _number(path, facts, "resolution")
    if not 0.005 <= resolution <= 0.5:
        raise MapError(
            f"{path}: a resolution of {resolution:g} m a cell is not sensible.", hint=_HINT
        )
    origin = _origin(path, facts)
    image = path.parent / str(facts.get("image") or path.with_suffix(".pgm").name)
    try:
        gray = images.decode(image.read_bytes())
    except OSError as error:
        said = error.strerror or str(error)
        raise MapError(f"The map's image {image} cannot be read: {said}.", hint=_HINT) from error
    except ValueError as error:
        raise MapError(f"The map's image {image} is not usable: {error}.", hint=_HINT) from error
    grid = OccupancyGrid(_to_cells(path, facts, gray)[::-1].copy(), resolution, origin)
    if not grid.drivable.any():
        raise MapError(
            f"The map {path} has no free space.", hint="Look at its thresholds and at negate."
        )
    return grid


def save_map(grid: OccupancyGrid, directory: Path, name: str = "map") -> Path:
    """Write NAME.yaml, NAME.pgm and, for people, NAME.png. Gives the path of the YAML file."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.pgm").write_bytes(images.encode_pgm(grid.to_gray()))
    (directory / f"{name}.png").write_bytes(grid.to_png())
    facts = {
        "image": f"{name}.pgm",
        "mode": "trinary",
        "resolution": grid.resolution_m,
        "origin": list(grid.origin),
        "negate": 0,
        "occupied_thresh": 0.65,
        "free_thresh": 0.196,
    }
    path = directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(facts, sort_keys=False))
    return path


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        facts = yaml.safe_load(text)
    except OSError as error:
        raise MapError(f"The map {path} cannot be read: {error.strerror}.", hint=_HINT) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise MapError(f"{path} is not a map: it is not YAML.", hint=_HINT) from error
    if not isinstance(facts, dict) or "resolution" not in facts:
        raise MapError(f"{path} is not a map: it has no resolution.", hint=_HINT)
    return facts


def _number(path: Path, facts: dict[str, Any], key: str, default: float | None = None) -> float:
    try:
        number = float(facts.get(key, default))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise MapError(f"{path} is not a map: {key} is not a number.", hint=_HINT)
    return number


def _origin(path: Path, facts: dict[str, Any]) -> Pose:
    """x, y and yaw of the map's lower left corner; old files leave the yaw out."""
    numbers = facts.get("origin")
    if not isinstance(numbers, list) or len(numbers) not in (2, 3):
        raise MapError(f"{path} is not a map: origin is not [x, y, yaw].", hint=_HINT)
    named = dict(zip(("origin x", "origin y", "origin yaw"), numbers, strict=False))
    return Pose(*(_number(path, named, name) for name in named))


def _to_cells(path: Path, facts: dict[str, Any], gray: images.Gray) -> NDArray[np.int8]:
    """Occupancy by the rules of map_server, top row first."""
    mode = str(facts.get("mode", "trinary"))
    if mode not in _MODES:
        raise MapError(f"{path}: mode {mode!r} is none of {', '.join(_MODES)}.", hint=_HINT)
    if mode == "raw":
        return np.where(gray <= OCCUPIED, gray, UNKNOWN).astype(np.int8)
    negate = bool(_number(path, facts, "negate", 0))
    occupied_from = _number(path, facts, "occupied_thresh", 0.65)
    free_below = _number(path, facts, "free_thresh", 0.196)
    if not 0 <= free_below < occupied_from <= 1:
        raise MapError(f"{path}: free_thresh must be below occupied_thresh.", hint=_HINT)
    taken = (gray if negate else 255 - gray) / 255.0
    cells = np.full(gray.shape, UNKNOWN, np.int8)
    if mode == "scale":
        between = (taken - free_below) / (occupied_from - free_below)
        cells = np.clip(1 + np.rint(98 * between), 1, 99).astype(np.int8)
    cells[taken < free_below] = FREE
    cells[taken > occupied_from] = OCCUPIED
    if mode == "trinary" and not negate and set(np.unique(gray).tolist()) <= _SAVER_LEVELS:
        # map_saver paints "never seen" as 205 whatever thresholds it writes beside it, and with its
        # own free_thresh of 0.25 that would read as free: the space inside of every wall.
        cells[gray == _SAVER_UNKNOWN] = UNKNOWN
    return cells
