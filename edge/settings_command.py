"""`luna settings`: what is in force, and where each value comes from. Secrets are files and never shown."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from edge import options
from edge.settings import (
    PREFIX,
    SEPARATOR,
    SETTINGS_FILE,
    Settings,
    from_environment,
    from_file,
    load,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One setting. `source`: `default`, the settings file, or the environment variable."""

    name: str
    value: Any
    source: str
    meaning: str


@click.command()
@options.data_dir("directory", help="The robot whose settings are meant.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(directory: Path, as_json: bool) -> None:
    """Show the settings in force, and where each comes from.

    Change them in DIR/settings.toml, or by LUNA_SECTION__NAME in the environment. Options of `luna sim` count for that
    run alone and are not seen here.
    """
    settings = load(directory)
    lines = list(effective(settings, os.environ))
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines], indent=2))
        return
    width = max(len(line.name) for line in lines)
    for line in lines:
        click.echo(f"{line.name:<{width}}  {line.value!s:<20} {line.source}")
    secrets = directory.absolute() / "secrets"
    if secrets.is_dir():
        names = ", ".join(sorted(path.name for path in secrets.iterdir()))
        click.echo(f"Secrets in {secrets}, not shown: {names}")


def effective(settings: Settings, environment: Mapping[str, str]) -> Iterator[Line]:
    """Every setting with its source."""
    written, given = from_file(settings.data_dir), from_environment(environment)
    for section_name in type(settings).model_fields:
        section = getattr(settings, section_name)
        if not isinstance(section, BaseModel):
            continue
        written_as = section.model_dump(mode="json")
        for name, field in type(section).model_fields.items():
            source = "default"
            if name in given.get(section_name, {}):
                source = f"{PREFIX}{section_name}{SEPARATOR}{name}".upper()
            elif name in written.get(section_name, {}):
                source = SETTINGS_FILE
            value = written_as[name]
            yield Line(f"{section_name}.{name}", value, source, field.description or "")
