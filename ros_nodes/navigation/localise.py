"""Where am I: odometry, corrected by matching the scan to the map.

The scan's points are moved until they lie on the map's surfaces (Gauss-Newton on the signed
distance field, with weights that leave out people). What is estimated is the transform `map` ->
`odom`, so that a scan may come late: it is matched with the odometry of its own time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ros_nodes.navigation.geometry import MIDDLE, Points, Pose, wrap_angle
from ros_nodes.navigation.maps import OccupancyGrid
from ros_nodes.navigation.rays import Rays


@dataclass(frozen=True, slots=True)
class LocaliserSettings:
    """Metres, radians. Sigmas say how far the odometry is believed between two scans."""

    max_points: int = 180
    rounds: int = 6
    surface_sigma_m: float = 0.05
    outlier_m: float = 0.20
    position_sigma_m: float = 0.10
    heading_sigma_rad: float = math.radians(4)
    inlier_m: float = 0.10
    min_points: int = 15
    good_quality: float = 0.45
    sure_quality: float = 0.65
    good_beyond: float = 0.15
    sure_beyond: float = 0.05
    """A scan fits with at least such a quality, and at most such a share of points beyond walls. As long as nothing
    is in doubt, good will do; after a start and after bad scans a place is believed only when it is sure."""
    beyond_m: float = 0.20
    rays: int = 90
    longest_ray_m: float = 30.0
    bad_scans_until_search: int = 3
    bad_scans_until_lost: int = 5
    """A second at 5 Hz: with the second until a standing robot looks, two until a carried one notices."""
    longest_jump_m: float = 0.5


@dataclass(frozen=True, slots=True)
class Window:
    """Where to search: a square of `sides` by `sides` positions, in each `turns` headings."""

    reach_m: float
    sides: int
    reach_rad: float
    turns: int


_NEARBY = Window(0.6, 9, math.radians(20), 11)
_ANYHOW = Window(1.6, 17, math.pi, 37)
"""A second of driving and the way to brake, and turned by anything. Takes 50 ms: less than what
would hold the robot for the silence of this process."""


@dataclass(frozen=True, slots=True)
class Match:
    """One scan on the map. `quality`: share (0 to 1) of the points that lie on a face of the map that looks at the
    robot; people make it smaller. `beyond`: share of those that lie behind a wall, which nobody can bring about
    by standing in the way."""

    pose: Pose
    quality: float
    beyond: float
    points: int

    def is_within(self, quality: float, beyond: float) -> bool:
        return self.quality >= quality and self.beyond <= beyond


class Localiser:
    """The robot's pose in the map. `start` first; `predict` with each odometry, `correct` with each
    scan, which was seen from `mount` on the robot."""

    def __init__(
        self,
        grid: OccupancyGrid,
        settings: LocaliserSettings | None = None,
        mount: Pose = MIDDLE,
    ) -> None:
        self._settings = settings or LocaliserSettings()
        self._mount = mount
        self._grid = grid
        self._surface = grid.obstacle_distance_m.astype(np.float64)
        self._rays = Rays(grid)
        self._correction = Pose(0.0, 0.0, 0.0)
        self._odometry: Pose | None = None
        self._bad = 0
        self._search = False
        self.quality = 0.0
        self.lost = True

    @property
    def correction(self) -> Pose:
        """The transform `map` -> `odom`."""
        return self._correction

    @property
    def pose(self) -> Pose:
        """The robot in the map, as of the last odometry."""
        return self._correction.compose(self._odometry or Pose(0.0, 0.0, 0.0))

    @property
    def sure(self) -> bool:
        """A scan has fitted since the start, and not too many in a row have not."""
        return not self.lost and not self._search

    @property
    def content(self) -> bool:
        """The newest scan has fitted."""
        return self._bad == 0 and self.quality > 0

    def start(self, pose: Pose, odometry: Pose) -> None:
        """The robot is at about `pose`: the next scan is searched for around it."""
        self._odometry = odometry
        self._correction = pose.compose(odometry.inverse())
        self._bad, self._search = 0, True
        self.lost = False

    def find(self, points: Points, guesses: Sequence[Pose], odometry: Pose) -> None:
        """Start at the guess that a scan fits best; where it fits none, anywhere around the first."""

        def fit(guess: Pose) -> Match:
            self.start(guess, odometry)
            return self.correct(points, odometry)

        def score(guess: Pose) -> float:
            match = fit(guess)
            return match.quality - match.beyond

        best = max(guesses, key=score)
        seen = self._few(points)
        if not self._is_sure(fit(best)) and len(seen) >= self._settings.min_points:
            best = max((best, self._best_near(seen, guesses[0], _ANYHOW)), key=score)
        self.start(best, odometry)

    def doubt(self) -> None:
        """The place is not believed any more until a scan fits well, there or nearby."""
        self._search = True

    def predict(self, odometry: Pose) -> Pose:
        """Go on with the odometry. A jump that no wheels can make means that the pose is not known
        any more."""
        last = self._odometry
        self._odometry = odometry
        if (
            last is not None
            and last.distance(odometry.x, odometry.y) > self._settings.longest_jump_m
        ):
            self.lost, self._bad = True, self._settings.bad_scans_until_lost
        return self.pose

    def correct(self, points: Points, odometry: Pose) -> Match:
        """Match a scan: `points` (n, 2) in the frame of the robot, `odometry` at the time of the
        scan."""
        settings = self._settings
        points = self._few(points)
        guess = self._correction.compose(odometry)
        if len(points) < settings.min_points:
            return self._judge(Match(guess, 0.0, 0.0, len(points)), fits=False)
        doubted = self._search or self._bad >= settings.bad_scans_until_search
        if doubted:
            guess = self._best_near(points, guess, _NEARBY)
        match = self._match(points, self._align(points, guess))
        fits = self._is_sure(match) if doubted else self._is_good(match)
        if fits:
            self._search = self.lost = False
            self._correction = match.pose.compose(odometry.inverse())
        return self._judge(match, fits=fits)

    def _few(self, points: Points) -> Points:
        """Those that the laser saw, and no more of them than are needed."""
        points = points[np.isfinite(points).all(axis=1)]
        return points[:: max(1, math.ceil(len(points) / self._settings.max_points))]

    def _judge(self, match: Match, *, fits: bool) -> Match:
        """Some bad scans in a row are a reason to search nearby, more are being lost; a place that fits very well
        finds the robot again."""
        self.quality = match.quality
        self._bad = 0 if fits else self._bad + 1
        if self._bad >= self._settings.bad_scans_until_lost:
            self.lost = True
        return match

    def _is_good(self, match: Match) -> bool:
        return match.is_within(self._settings.good_quality, self._settings.good_beyond)

    def _is_sure(self, match: Match) -> bool:
        return match.is_within(self._settings.sure_quality, self._settings.sure_beyond)

    def _match(self, points: Points, pose: Pose) -> Match:
        """No quality for a place inside of a wall, however well the points would fit there."""
        if self._grid.clearance_at(pose.x, pose.y) <= 0:
            return Match(pose, 0.0, 1.0, len(points))
        settings = self._settings
        placed = pose.points_out(points)
        away, slope = self._field(placed)
        eye = pose.compose(self._mount)
        ray = placed - (eye.x, eye.y)
        seen = (np.abs(away) < settings.inlier_m) & _looks_back(slope, ray)
        ray = ray[:: max(1, math.ceil(len(ray) / settings.rays))]
        length = np.hypot(ray[:, 0], ray[:, 1])
        free = self._rays.lengths((eye.x, eye.y), ray / length[:, None], settings.longest_ray_m)
        beyond = length > free + settings.beyond_m
        return Match(pose, float(seen.mean()), float(beyond.mean()), len(points))

    def _align(self, points: Points, guess: Pose) -> Pose:
        """The pose near `guess` under which the points lie on surfaces."""
        settings = self._settings
        believed = np.diag(
            [
                settings.position_sigma_m**-2,
                settings.position_sigma_m**-2,
                settings.heading_sigma_rad**-2,
            ]
        )
        offset = np.zeros(3)
        for _ in range(settings.rounds):
            pose = Pose(guess.x + offset[0], guess.y + offset[1], guess.theta + offset[2])
            placed = pose.points_out(points)
            away, slope = self._field(placed)
            around = placed - (pose.x, pose.y)
            turning = slope[:, 1] * around[:, 0] - slope[:, 0] * around[:, 1]
            jacobian = np.column_stack([slope, turning])
            eye = pose.compose(self._mount)
            weight = _looks_back(slope, placed - (eye.x, eye.y)) / (
                (1.0 + (away / settings.outlier_m) ** 2) ** 2 * settings.surface_sigma_m**2
            )
            weighted = jacobian * weight[:, None]
            change = np.linalg.solve(
                weighted.T @ jacobian + believed, -(weighted.T @ away) - believed @ offset
            )
            offset += change
            if abs(change[0]) + abs(change[1]) < 5e-4 and abs(change[2]) < 5e-4:
                break
        x, y, turn = offset.tolist()  # plain floats: a pose is also written down and sent
        return Pose(guess.x + x, guess.y + y, wrap_angle(guess.theta + turn))

    def _best_near(self, points: Points, guess: Pose, window: Window) -> Pose:
        """The best of a grid of poses around `guess`: what a person says is only about right."""
        settings = self._settings
        few = points[:: max(1, len(points) // 60)]
        sides = np.linspace(-window.reach_m, window.reach_m, window.sides)
        best, least = guess, math.inf
        turns = np.linspace(-window.reach_rad, window.reach_rad, window.turns).tolist()
        for turn in sorted(turns, key=abs):
            turned = Pose(guess.x, guess.y, guess.theta + turn).points_out(few)
            shifts = np.stack(np.meshgrid(sides, sides, indexing="ij"), axis=-1).reshape(-1, 2)
            placed = (turned[None] + shifts[:, None]).reshape(-1, 2)
            away = np.minimum(self._away(placed), 2 * settings.outlier_m)
            cost = away.reshape(len(shifts), -1).mean(axis=1)
            at = int(cost.argmin())
            if cost[at] < least - 1e-3:
                least = float(cost[at])
                x, y = shifts[at].tolist()
                best = Pose(guess.x + x, guess.y + y, wrap_angle(guess.theta + turn))
        return best

    def _away(self, points: Points) -> NDArray[np.float64]:
        """Distance to the nearest surface, as of the middle of each point's cell: for searching."""
        height, width = self._surface.shape
        cells = self._grid.cells_of(points)
        column = np.clip(cells[:, 0].astype(np.int64), 0, width - 1)
        row = np.clip(cells[:, 1].astype(np.int64), 0, height - 1)
        away: NDArray[np.float64] = np.abs(self._surface.ravel()[row * width + column])
        return away

    def _field(self, points: Points) -> tuple[NDArray[np.float64], Points]:
        """Signed distance to the nearest surface at points of the map, and its slope there."""
        height, width = self._surface.shape
        cells = self._grid.cells_of(points) - 0.5
        column = np.clip(cells[:, 0], 0, width - 1.001)
        row = np.clip(cells[:, 1], 0, height - 1.001)
        left, low = column.astype(np.int64), row.astype(np.int64)
        share, rise = column - left, row - low
        at = low * width + left
        flat = self._surface.ravel()
        a, b, c, d = flat[at], flat[at + 1], flat[at + width], flat[at + width + 1]
        lower, upper = a + (b - a) * share, c + (d - c) * share
        along = (b - a) * (1 - rise) + (d - c) * rise
        slope = np.stack([along, upper - lower], axis=1) / self._grid.resolution_m
        yaw = self._grid.origin.theta
        if yaw:
            slope = Pose(0.0, 0.0, yaw).points_out(slope)
        return lower + (upper - lower) * rise, slope


def _looks_back(slope: Points, ray: Points) -> NDArray[np.bool_]:
    """Whether a surface faces whence the ray comes: the far face of a thin wall is near, but never seen."""
    back: NDArray[np.bool_] = (slope * ray).sum(axis=1) < 0
    return back
