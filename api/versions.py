"""`If-Match`: who changes a record says which version they have read, so that nobody's change is lost unseen."""

import re
from typing import Annotated

from fastapi import Depends, Header

from edge.domain.errors import ValidationError

_TAG = re.compile(r'(?:W/)?"?(\d{1,15})"?')


def etag(version: int) -> dict[str, str]:
    """The header that says which version of a record this is."""
    return {"ETag": f'"{version}"'}


async def _expected(
    if_match: Annotated[
        str | None, Header(description="the ETag, or `version`, of what was read")
    ] = None,
) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise ValidationError("IF_MATCH_WANTED", field="If-Match")
    return int(found[1])


IfMatch = Annotated[int | None, Depends(_expected)]
"""The version that the caller has read; None: whatever it is now. A stale one is a ConflictError of the service."""
