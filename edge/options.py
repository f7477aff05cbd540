"""What several commands ask for, said once."""

from functools import partial
from pathlib import Path

import click

data_dir = partial(
    click.option,
    "--data-dir",
    type=click.Path(path_type=Path),
    envvar="LUNA_DATA_DIR",
    default=".luna",
    show_default=True,
)
"""The robot's data directory; give `help`, and the parameter's name where that is another."""
