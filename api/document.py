"""Writes the OpenAPI document as it is checked in: `python -m api.document docs/openapi.json`."""

import json
import sys
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI

from api.app import create_app
from api.live import Live
from edge.settings import Settings
from edge.store.database import Database


def bare_app() -> FastAPI:
    """Only to be looked at: it has no store."""
    settings = Settings(data_dir=Path("/nowhere"))
    return create_app(settings, cast(Database, None), Live(settings), "no key")


def text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(bare_app().openapi()), encoding="utf-8")
