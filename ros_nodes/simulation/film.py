"""A mission as moving pictures: map, lanes, path, robot, people and what the scanner saw.

An animated PNG is a PNG whose later frames each replace the rectangle that changed; every browser shows
it, and it needs nothing but zlib.
"""

import copy
import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ros_nodes.navigation import images
from ros_nodes.navigation.draw import Picture
from ros_nodes.navigation.geometry import Points, Pose
from ros_nodes.navigation.site_file import Site
from ros_nodes.simulation.missions import Course, choose_mission, rehearse
from ros_nodes.simulation.rehearsal import Outcome, Rehearsal
from ros_nodes.simulation.world import Circle

SHOT_S = 0.25
"""Simulated seconds between two frames."""
FASTER = 3.0
"""How much faster than life it is shown."""
WIDTH_PX = 1000
_SCAN, _PERSON, _PATH, _TRAIL = (225, 40, 60), (90, 60, 150), (250, 160, 40), (30, 130, 60)
_RIM, _FRONT = (0, 0, 0), (255, 255, 255)
_ROBOT = {
    "DRIVING": (30, 130, 60),
    "AROUND": (20, 110, 220),
    "WAITING": (230, 150, 0),
    "ASKING": (214, 39, 40),
}
_ROBOT_ELSE = (60, 60, 60)


@dataclass(frozen=True, slots=True)
class Shot:
    """One moment: the robot's true pose, people, the scan and the path in the map, what it says it does."""

    pose: Pose
    people: tuple[Circle, ...]
    scan: Points
    path: Points
    state: str


def record(course: Course, seed: int) -> tuple[Outcome, list[Shot]]:
    """Run the mission of a seed, and keep what is to be seen of it."""
    mission = choose_mission(course, seed)
    shots: list[Shot] = []

    def keep(run: Rehearsal) -> None:
        if run.now >= len(shots) * SHOT_S:
            path = run.drive.route.points if run.drive else np.zeros((0, 2))
            scan = run.whereabouts.pose.points_out(run.points)
            shots.append(Shot(run.world.pose, tuple(run.world.round_things), scan, path, run.state))

    rehearsal = rehearse(course, mission, Rehearsal)
    outcome = rehearsal.run(mission.goal.location_code, each_tick=keep)
    if shots:
        ended = "ARRIVED" if outcome.arrived else str(outcome.reason)
        shots.append(replace(shots[-1], pose=rehearsal.world.pose, state=ended))
    return outcome, shots


def frames(course: Course, shots: Iterable[Shot]) -> Iterator[images.Gray]:
    """RGB pictures (h, w, 3), all of one size."""
    grid, site = course.site.grid, course.site
    scale = min(max(WIDTH_PX // grid.cells.shape[1], 1), 4)
    base = Picture(grid, scale)
    base.site(Site(site.waypoints, site.lanes))
    trail: list[tuple[float, float]] = []
    for shot in shots:
        trail.append((shot.pose.x, shot.pose.y))
        yield _draw(base, shot, trail)


def _draw(base: Picture, shot: Shot, trail: list[tuple[float, float]]) -> images.Gray:
    picture = copy.copy(base)
    picture.pixels = base.pixels.copy()
    for x, y in shot.path.tolist():
        picture.dot(x, y, 0.03, _PATH)
    picture.line(trail, _TRAIL)
    for x, y in shot.scan.tolist():
        picture.dot(x, y, 0.04, _SCAN)
    for x, y, radius in shot.people:
        picture.dot(x, y, radius, _PERSON)
    x, y, theta = shot.pose
    picture.dot(x, y, 0.19, _RIM)
    picture.dot(x, y, 0.15, _ROBOT.get(shot.state, _ROBOT_ELSE))
    for ahead in np.linspace(0.0, 0.17, 8).tolist():
        picture.dot(x + ahead * math.cos(theta), y + ahead * math.sin(theta), 0.035, _FRONT)
    return picture.pixels


def write_animation(pictures: Iterable[images.Gray], path: Path, frame_s: float) -> int:
    """Write an animated PNG that shows each picture for `frame_s`. Gives how many there are."""
    body = bytearray()
    header, shown, count, number = b"", np.zeros((0, 0, 3), np.uint8), 0, 0
    for picture in pictures:
        first = count == 0
        top, left, low, right = (0, 0, *picture.shape[:2]) if first else _changed(shown, picture)
        part = picture[top:low, left:right]
        delay = round(frame_s * 1000), 1000
        control = struct.pack(
            ">IIIIIHHBB", number, right - left, low - top, left, top, *delay, 0, 0
        )
        body += images.png_chunk(b"fcTL", control)
        number += 1
        data = images.png_data(part)
        if first:
            header = images.png_header(picture)
            body += images.png_chunk(b"IDAT", data)
        else:
            body += images.png_chunk(b"fdAT", struct.pack(">I", number) + data)
            number += 1
        shown, count = picture, count + 1
    plays = images.png_chunk(b"acTL", struct.pack(">II", count, 0))
    end = images.png_chunk(b"IEND", b"")
    path.write_bytes(images.PNG_MAGIC + header + plays + bytes(body) + end)
    return count


def _changed(before: images.Gray, after: images.Gray) -> tuple[int, int, int, int]:
    """The rectangle (top, left, bottom, right) of all that differs; one pixel where nothing does."""
    differs = (before != after).any(axis=2)
    if not differs.any():
        return 0, 0, 1, 1
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def write_frames(pictures: Iterable[images.Gray], directory: Path) -> int:
    """Write DIRECTORY/frame-0001.png and so on. Gives how many there are."""
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, picture in enumerate(pictures, 1):
        (directory / f"frame-{count:04d}.png").write_bytes(images.encode_png(picture))
    return count
