"""Fills a new data directory for the simulator: map, places, books and the demo's people.

`python -m ros_nodes.simulation.prepare --data-dir DIR [--map YAML] [--catalogue FILE] [--seed N]`,
called by `luna sim` before the robot's first start. What is wrong with the input is one line on stderr and
exit code 2.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from edge.domain.errors import LunaError
from edge.domain.inventory import CatalogueRecord
from edge.domain.shelving import call_number_key
from edge.domain.users import SYSTEM, Role
from edge.domain.waypoints import CALL_NUMBER_FROM, CALL_NUMBER_TO, Waypoint, WaypointKind
from edge.services import catalogue, passwords, users
from edge.services.catalogue_file import read_catalogue
from edge.services.demo_catalogue import demo_records
from edge.settings import Settings, load
from edge.store.database import Database, Transaction, create
from ros_nodes import site_loading
from ros_nodes.navigation.maps import OccupancyGrid, load_map, save_map
from ros_nodes.navigation.propose import propose
from ros_nodes.navigation.site_file import Site
from ros_nodes.simulation.demo_library import demo_site, draw_library

INPUT_IS_WRONG = 2
NAMES = {
    Role.STUDENT: ("Sophie", "Student"),
    Role.LIBRARIAN: ("Louis", "Librarian"),
    Role.ADMIN: ("Ada", "Admin"),
}


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="prepare", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--map", type=Path)
    parser.add_argument("--catalogue", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(given)
    try:
        prepare(load(options.data_dir), options.map, options.catalogue, options.seed)
    except LunaError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return INPUT_IS_WRONG
    return 0


def prepare(
    settings: Settings, map_file: Path | None, catalogue_file: Path | None, seed: int
) -> None:
    """Make the map's copy and the store. Raises LunaError where the input is not fit."""
    grid, site = _library(map_file, settings.robot.radius_m)
    records = list(_records(catalogue_file, seed))
    waypoints = shelved(site.waypoints, records)
    people = json.loads((settings.data_dir / "secrets" / "demo-people.json").read_text())

    def fill(tx: Transaction) -> None:
        site_loading.load(tx, Site(tuple(waypoints), site.lanes))
        catalogue.add_records(tx, records)
        for role, names in NAMES.items():
            _register(tx, role, names, people[role.value.lower()])

    save_map(grid, settings.map_path.parent, settings.map_path.stem)
    create(settings.store_path, robot_id=settings.robot.id)
    database = Database.open(settings.store_path)
    try:
        database.write(SYSTEM, fill)
    finally:
        database.close()


def _library(map_file: Path | None, radius_m: float) -> tuple[OccupancyGrid, Site]:
    """The map, and the places and lanes on it."""
    if map_file is None:
        return draw_library(), demo_site()
    grid = load_map(map_file)
    return grid, propose(grid, radius_m)


def _records(catalogue_file: Path | None, seed: int) -> Iterable[CatalogueRecord]:
    """The titles, each with at least one copy: one without holdings is taken to have a copy here."""
    if catalogue_file is None:
        return demo_records(seed)
    return read_catalogue(catalogue_file, on_bad=_say_bad)


def shelved(waypoints: Sequence[Waypoint], records: Sequence[CatalogueRecord]) -> list[Waypoint]:
    """The waypoints, with the books shared out evenly, in the order of their call numbers, among
    the shelves that say nothing of what stands on them."""
    shelves = [
        one for one in waypoints if one.kind is WaypointKind.SHELF and one.call_numbers is None
    ]
    numbers = sorted(
        {one.draft.call_number for one in records if one.draft.call_number}, key=call_number_key
    )
    if not shelves or not numbers:
        return list(waypoints)
    size = math.ceil(len(numbers) / len(shelves))
    parts = [numbers[start : start + size] for start in range(0, len(numbers), size)]
    told = {
        shelf.id: replace(
            shelf,
            metadata={**shelf.metadata, CALL_NUMBER_FROM: part[0], CALL_NUMBER_TO: part[-1]},
        )
        for shelf, part in zip(shelves, parts, strict=False)
    }
    return [told.get(one.id, one) for one in waypoints]


def _say_bad(number: int, reason: str) -> None:
    print(f"record {number} of the catalogue is left out: {reason}", file=sys.stderr)


def _register(tx: Transaction, role: Role, names: tuple[str, str], account: dict[str, str]) -> None:
    users.register(
        tx,
        email=account["email"],
        password_hash=passwords.hash_secret(account["password"]),
        first_name=names[0],
        last_name=names[1],
        role=role,
        pin_hash=passwords.hash_secret(account["pin"]),
    )


if __name__ == "__main__":
    sys.exit(main())
