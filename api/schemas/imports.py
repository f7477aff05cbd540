"""Catalogue files."""

from typing import Any

from pydantic import Field

from api.schemas.base import At, Model
from edge.domain.imports import ImportStatus, Outcome

UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV with a header, MARC21 or MARCXML",
                        },
                    },
                }
            }
        },
    }
}
"""The body of an upload: it is read by hand, after it is known who sends it."""


class Row(Model):
    """`line`: where it stands in the file, in MARC its number."""

    line: int
    outcome: Outcome
    title: str | None
    book_id: str | None
    reason: str | None


class Import(Model):
    """Numbers of records; before the commit, of what would become of them."""

    import_id: str
    user_id: str
    file_name: str = Field(examples=["spring.mrc"])
    status: ImportStatus
    created: int
    updated: int
    unchanged: int
    bad: int
    created_at: At
    committed_at: At | None
    undone_at: At | None


class ImportWithRows(Import):
    preview: list[Row] = Field(description="the first 100 that are not bad")
    bad_rows: list[Row] = Field(description="the first 1,000 that are")
