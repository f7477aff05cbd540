"""Real files that are for tests only and never in the repository: a map of a library, a catalogue."""

import os
from pathlib import Path

import pytest


def shared_data() -> Path:
    """Their directory: LUNA_SHARED, else ../shared/data beside the clone. Skips the test without."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    directory = Path(os.environ.get("LUNA_SHARED", beside))
    if not directory.is_dir():
        pytest.skip(f"the real library's files are not at {directory} (set LUNA_SHARED)")
    return directory
