"""`luna map`: propose, check, draw and load. Results go to stdout; what is wrong ends with one line and
exit code 1."""

from pathlib import Path

import click

from edge.domain.errors import SetupError
from ros_nodes import site_loading
from ros_nodes.navigation.check import check as check_site
from ros_nodes.navigation.draw import Picture
from ros_nodes.navigation.errors import SiteFileError
from ros_nodes.navigation.maps import load_map
from ros_nodes.navigation.propose import propose as propose_site
from ros_nodes.navigation.site_file import read_site, write_site

_FILE = click.Path(dir_okay=False, path_type=Path)
_RADIUS = click.option(
    "--robot-radius",
    "radius_m",
    type=click.FloatRange(0.05, 1.0),
    default=0.19,
    show_default=True,
    help="Radius of the robot in metres.",
)


@click.group("map")
def command() -> None:
    """Propose, check, draw and load places and lanes on a map.

    MAP is the YAML file that map_saver writes, beside its image. SITE is a YAML file of waypoints
    and lanes, to be edited by hand.
    """


@command.command()
@click.argument("map_file", metavar="MAP", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="The file to write waypoints and lanes to.")
@click.option("--force", is_flag=True, help="Also over a file that is there.")
@_RADIUS
def propose(map_file: Path, out: Path, force: bool, radius_m: float) -> None:
    """Propose waypoints and lanes from a map's free space."""
    if out.exists() and not force:
        raise SetupError(f"{out} is there already, and may have been edited.", hint="Add --force.")
    site = propose_site(load_map(map_file), radius_m)
    try:
        write_site(site, out)
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}.") from error
    click.echo(f"{len(site.waypoints)} waypoints and {len(site.lanes)} lanes in {out}")


@command.command()
@click.argument("map_file", metavar="MAP", type=_FILE)
@click.argument("site_file", metavar="SITE", type=_FILE)
@_RADIUS
def check(map_file: Path, site_file: Path, radius_m: float) -> None:
    """Find what keeps a robot from driving: a map of the wrong resolution, waypoints in walls, lanes through walls,
    narrower than the robot or contradicting each other, islands, docks without a free way straight in.
    """
    grid, site = load_map(map_file), read_site(site_file)
    problems = check_site(grid, site.waypoints, site.lanes, radius_m)
    for problem in problems:
        click.echo(str(problem))
    if problems:
        raise SiteFileError(
            f"{site_file} has {len(problems)} problem{'s' if len(problems) > 1 else ''}.",
            hint="Mend the lines named above.",
        )
    click.echo(f"{len(site.waypoints)} waypoints and {len(site.lanes)} lanes: no problems")


@command.command()
@click.argument("map_file", metavar="MAP", type=_FILE)
@click.option("--site", "site_file", type=_FILE, help="Waypoints and lanes to draw on the map.")
@click.option("--out", type=_FILE, required=True, help="The PNG file to write.")
@click.option("--scale", type=click.IntRange(1, 8), default=3, show_default=True)
def draw(map_file: Path, site_file: Path | None, out: Path, scale: int) -> None:
    """Draw a map as a PNG picture, with the names and a legend where a SITE is given.

    One-way lanes have arrows, closed ones are dashed: red for good, orange for a time.
    """
    picture = Picture(load_map(map_file), scale)
    if site_file is not None:
        picture.site(read_site(site_file))
    try:
        out.write_bytes(picture.to_png())
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}.") from error
    click.echo(str(out))


command.add_command(site_loading.command)
