"""What a simulated library was made from, so that nobody starts one map's robot on another's."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from edge.domain.errors import SetupError

FILE = "made-from.json"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that somebody gave, and a digest of what was in it."""

    path: str
    sha256: str

    @classmethod
    def of(cls, option: str, path: Path) -> Self:
        """Raises SetupError where it cannot be read."""
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise SetupError(
                f"{option} {path} cannot be read: {error.strerror}.",
                hint="Give a file that is there.",
            ) from error
        return cls(str(path.absolute()), digest)


@dataclass(frozen=True, slots=True)
class Origin:
    """The map and the catalogue of a data directory; None: the demo's own."""

    map: Source | None
    catalogue: Source | None

    @classmethod
    def of(cls, map_file: Path | None, catalogue: Path | None) -> Self:
        """Raises SetupError where a file cannot be read."""
        return cls(
            Source.of("--map", map_file) if map_file else None,
            Source.of("--catalogue", catalogue) if catalogue else None,
        )

    def options(self) -> list[str]:
        """For the command line of the preparation."""
        given = {"--map": self.map, "--catalogue": self.catalogue}
        return [word for name, source in given.items() if source for word in (name, source.path)]

    def write(self, data_dir: Path) -> None:
        (data_dir / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")

    def check(self, data_dir: Path) -> None:
        """Whether what is given now is what `data_dir` was made from. Raises SetupError."""
        try:
            made_from = json.loads((data_dir / FILE).read_text())
        except (OSError, ValueError) as error:
            raise SetupError(
                f"{data_dir} does not say what it was made from ({FILE}).",
                hint="Choose another one with --data-dir.",
            ) from error
        for name, given in (("map", self.map), ("catalogue", self.catalogue)):
            had = made_from.get(name)
            if given is not None and (had is None or had["sha256"] != given.sha256):
                before = f"from {had['path']}" if had else f"without --{name}"
                raise SetupError(
                    f"{data_dir} was made {before}; --{name} {given.path} is another {name}.",
                    hint=f"Leave --{name} out, or make a new library with another --data-dir.",
                )
