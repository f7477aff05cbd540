"""`luna db`: is the store sound, copies of it, and what to do when it is not."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from edge import options
from edge.clock import SystemClock
from edge.domain.errors import SetupError
from edge.settings import Settings, load
from edge.store import backup, examination, opening, statistics
from edge.store.migrations import SCHEMA_VERSION
from edge.store.sqlite import sqlite3
from edge.supervisor import hold

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def command() -> None:
    """Look after the store: check it, copy it, put a copy back.

    check, backup, backups and stats may be used while the robot runs; restore, vacuum and migrate may not.
    """


@command.command()
@options.data_dir("directory", help="The robot whose store is meant.")
def check(directory: Path) -> None:
    """Say whether the store is sound: its pages, its references, the rows that the robot drives by; and whether the
    clock lets anybody write."""
    store = load(directory).store_path
    with _said(store):
        found = examination.problems(store)
        examination.mark(store, found)
    for problem in found:
        click.echo(problem)
    if found:
        raise SetupError(f"The store {store} is damaged.", hint=examination.RESTORE)
    click.echo(f"{store} is sound.")
    opening.check_clock(SystemClock())


@command.command("backup")
@options.data_dir("directory", help="The robot whose store is meant.")
def make_backup(directory: Path) -> None:
    """Copy the store as it is now into the folder backups of the data directory."""
    settings = load(directory)
    with _said(settings.store_path):
        opening.check(settings.store_path)
        click.echo(backup.back_up(settings.store_path, settings.backups_dir))


@command.command()
@options.data_dir("directory", help="The robot whose store is meant.")
def backups(directory: Path) -> None:
    """List the copies, the newest first."""
    for one in backup.backups(load(directory).backups_dir):
        click.echo(f"{one}  {one.stat().st_size / 1e6:.1f} MB")


@command.command()
@options.data_dir("directory", help="The robot whose store is meant.")
@click.argument("file", type=_FILE, required=False)
def restore(directory: Path, file: Path | None) -> None:
    """Put a copy in the store's place: FILE, else the newest. What was there is kept beside it."""
    settings = load(directory)
    with _stopped(settings), _said(settings.store_path):
        chosen = file or next(iter(backup.backups(settings.backups_dir)), None)
        if chosen is None:
            raise SetupError(
                "There is no copy of the store.", hint="Name one: luna db restore FILE."
            )
        aside = backup.restore(chosen, settings.store_path)
    click.echo(f"{settings.store_path} is now what {chosen} was.")
    if aside is not None:
        click.echo(f"What was there before is {aside}.")


@command.command()
@options.data_dir("directory", help="The robot whose store is meant.")
def vacuum(directory: Path) -> None:
    """Give room back that removed records took."""
    settings = load(directory)
    store = settings.store_path
    with _stopped(settings), _said(store):
        opening.check(store)
        before = store.stat().st_size
        with contextlib.closing(opening.connect(store, "rw")) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    click.echo(f"{before / 1e6:.1f} MB before, {store.stat().st_size / 1e6:.1f} MB now.")


@command.command()
@options.data_dir("directory", help="The robot whose store is meant.")
def migrate(directory: Path) -> None:
    """Bring a store of an older program up to this one, after a copy of it was made."""
    settings = load(directory)
    store = settings.store_path
    with _stopped(settings), _said(store):
        if not store.exists():
            raise SetupError(f"There is no store at {store}.", hint="Run luna sim.")
        opening.refuse_empty(store)
        aside = backup.migrate(store)
    click.echo(f"{store} has schema {SCHEMA_VERSION}.")
    if aside is not None:
        click.echo(f"As it was before, it is {aside}.")


@command.command()
@options.data_dir("directory", help="The robot whose store is meant.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def stats(directory: Path, as_json: bool) -> None:
    """Say how large the store is, and what is in it."""
    settings = load(directory)
    with _said(settings.store_path):
        opening.check(settings.store_path)
        found = statistics.of(settings.store_path, settings.backups_dir)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    width = max(map(len, found))
    for name, value in found.items():
        click.echo(f"{name:<{width}}  {value}")


@contextlib.contextmanager
def _said(store: Path) -> Iterator[None]:
    """What SQLite or the disk says, as a line for people."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SetupError(f"{store}: {error}.", hint=examination.RESTORE) from error


@contextlib.contextmanager
def _stopped(settings: Settings) -> Iterator[None]:
    """Hold the data directory, which nobody may use meanwhile. Raises SetupError."""
    if not settings.data_dir.is_dir():
        raise SetupError(
            f"There is no robot in {settings.data_dir}.", hint="Name it with --data-dir."
        )
    lock = hold.take(settings.data_dir)
    try:
        yield
    finally:
        os.close(lock)
