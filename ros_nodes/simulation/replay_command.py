"""`luna replay`: watch a mission of `make bench-nav` again."""

import math
from pathlib import Path

import click

from edge.domain.errors import SetupError
from ros_nodes.navigation.errors import Reason
from ros_nodes.simulation import film
from ros_nodes.simulation.missions import COURSES, DEMO, choose_mission, find_course, measure
from ros_nodes.simulation.rehearsal import Outcome

_ANIMATED = (".png", ".apng")


@click.command()
@click.argument("seed", type=click.IntRange(0))
@click.option(
    "--map",
    "name",
    default=DEMO,
    show_default=True,
    metavar="NAME",
    help=f"{', '.join(COURSES)}, or the YAML file of a map, whose places are proposed.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="An animated PNG (FILE.png), or a directory for one picture a frame.",
)
def command(seed: int, name: str, out: Path) -> None:
    """Run the mission of SEED in the simulator, and write what there was to see.

    Shown three times as fast as life. Robot: green drives, blue goes round something, amber waits, red
    asks, grey is done; people violet, scan red, path orange.
    """
    if out.suffix and out.suffix.lower() not in _ANIMATED:
        raise SetupError(f"{out} is no PNG.", hint="Give FILE.png, or a directory.")
    course = find_course(name)
    outcome, shots = film.record(course, seed)
    pictures = film.frames(course, shots)
    try:
        if out.suffix:
            count = film.write_animation(pictures, out, film.SHOT_S / film.FASTER)
        else:
            count = film.write_frames(pictures, out)
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}.") from error
    mission = choose_mission(course, seed)
    best = measure(course, mission)
    said = _in_words(outcome)
    click.echo(
        f"{mission.origin.location_code} to {mission.goal.location_code}: {said} after {outcome.seconds:.0f} s "
        f"and {outcome.driven_m:.1f} m (at best {best.time_s:.0f} s and {best.length_m:.1f} m)"
    )
    click.echo(f"{count} frames in {out}")


def _in_words(outcome: Outcome) -> str:
    if outcome.arrived:
        off = f"{outcome.goal_error_m:.2f} m and {math.degrees(outcome.goal_error_rad):.1f} degrees off"
        return f"arrived, {off},"
    return f"ended, {(outcome.reason or Reason.NONE).name} ({outcome.message}),"
