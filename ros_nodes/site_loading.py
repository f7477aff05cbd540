"""A site that was drawn in a file becomes the robot's own.

In the file a waypoint has a name of its drawer's choice; in the store it has an id that is unique everywhere and
stays when the file is edited and loaded again.
"""

from dataclasses import replace
from pathlib import Path

import click

from edge import options
from edge.domain.errors import SetupError
from edge.domain.users import SYSTEM
from edge.services import places
from edge.settings import load as load_settings
from edge.store.database import Database, Transaction, new_id
from ros_nodes.navigation.check import check
from ros_nodes.navigation.errors import SiteFileError
from ros_nodes.navigation.maps import load_map
from ros_nodes.navigation.site_file import Site, read_site

DRAWN_AS = "drawn_as"
"""Key of a waypoint's metadata: its id in the file."""


def load(tx: Transaction, site: Site) -> None:
    """Make the site the robot's; waypoints that it no longer has are no longer active.

    Raises ConflictError where one of those is still needed by a task.
    """
    known = {one.metadata.get(DRAWN_AS): one.id for one in places.waypoints(tx)}
    ids = {one.id: known.get(one.id) or new_id() for one in site.waypoints}
    waypoints = [
        replace(one, id=ids[one.id], metadata={**one.metadata, DRAWN_AS: one.id})
        for one in site.waypoints
    ]
    lanes = [
        replace(one, id=new_id(), start=ids[one.start], end=ids[one.end]) for one in site.lanes
    ]
    places.load_site(tx, waypoints, lanes)


@click.command("load")
@click.argument("site_file", metavar="SITE", type=click.Path(dir_okay=False, path_type=Path))
@options.data_dir(help="Of the robot, which may be running.")
def command(site_file: Path, data_dir: Path) -> None:
    """Give the robot these waypoints and lanes; it drives by them from its next drive on."""
    if not data_dir.is_dir():
        raise SetupError(f"There is no robot in {data_dir}.", hint="Say where with --data-dir.")
    settings = load_settings(data_dir)
    site = read_site(site_file)
    problems = check(
        load_map(settings.map_path), site.waypoints, site.lanes, settings.robot.radius_m
    )
    if problems:
        raise SiteFileError(
            f"{site_file} does not fit the robot's map: {problems[0]}.",
            hint=f"All of it: luna map check {settings.map_path} {site_file}",
        )
    database = Database.open(settings.store_path)
    try:
        database.write(SYSTEM, lambda tx: load(tx, site))
    finally:
        database.close()
    click.echo(f"{len(site.waypoints)} waypoints and {len(site.lanes)} lanes loaded")
