"""`luna sim`, apart from what it does, so that its help comes at once."""

from pathlib import Path

import click

from edge import options

_FILE = click.Path(path_type=Path)


@click.command()
@options.data_dir("directory", help="All that the robot remembers; made where there is none.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API and page. [8080]")
@click.option("--mqtt-port", type=click.IntRange(1, 65535), help="Port of the broker. [1883]")
@click.option(
    "--domain-id",
    type=click.IntRange(0, 101),
    help="ROS domain; two robots side by side need two. [42]",
)
@click.option("--speed", type=float, help="Simulated seconds a real second, at most. [1]")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Makes the simulated world reproducible. [1]"
)
@click.option(
    "--map",
    "map_file",
    type=_FILE,
    help="A map_server YAML to drive on; places and lanes are proposed from it.",
)
@click.option("--catalogue", type=_FILE, help="Titles to hold: MARC21, MARCXML or CSV.")
@click.option("--no-central", is_flag=True, help="Without the reference central server.")
def command(
    directory: Path,
    port: int | None,
    mqtt_port: int | None,
    domain_id: int | None,
    speed: float | None,
    seed: int | None,
    map_file: Path | None,
    catalogue: Path | None,
    no_central: bool,
) -> None:
    """Run the whole robot on its simulator, until Ctrl-C."""
    from edge.supervisor import sim

    sim.run(
        directory,
        {
            "LUNA_API__PORT": port,
            "LUNA_MQTT__PORT": mqtt_port,
            "LUNA_ROS__DOMAIN_ID": domain_id,
            "LUNA_SIM__SPEED": speed,
            "LUNA_SIM__SEED": seed,
        },
        map_file=map_file,
        catalogue=catalogue,
        with_central=not no_central,
    )
