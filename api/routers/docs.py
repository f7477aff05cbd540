"""The OpenAPI document to be read by people, without anything from elsewhere: the pages' files are a package's."""

import asyncio
import importlib.util
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

from api.deps import Anyone

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; worker-src blob:; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "favicon.png": "image/png",
}
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>LUNA</title>
<link rel="icon" href="docs/favicon.png">"""
SWAGGER = f"""{HEAD}<link rel="stylesheet" href="docs/swagger-ui.css"><div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></html>"""
START = """SwaggerUIBundle({ url: "openapi.json", dom_id: "#page", deepLinking: true });"""
REDOC = f"""{HEAD}<redoc spec-url="openapi.json"></redoc><script src="docs/redoc.standalone.js"></script></html>"""


@router.get("/docs")
async def swagger(_: Anyone) -> Response:
    return Response(SWAGGER, headers=HEADERS, media_type="text/html; charset=utf-8")


@router.get("/redoc")
async def redoc(_: Anyone) -> Response:
    return Response(REDOC, headers=HEADERS, media_type="text/html; charset=utf-8")


@router.get("/docs/{name}")
async def file(name: str, _: Anyone) -> Response:
    """Read each time: nobody needs them often, and together they are 3 MB."""
    if name == "start.js":
        return Response(START, headers=HEADERS, media_type="text/javascript")
    if name not in TYPES:
        raise HTTPException(404, "NO_SUCH_FILE")
    data = await asyncio.to_thread((_folder() / name).read_bytes)
    return Response(data, headers=HEADERS, media_type=TYPES[name])


def _folder() -> Path:
    """Of the package's files, without importing it."""
    found = importlib.util.find_spec("fastapi_offline")
    if found is None or found.origin is None:
        raise HTTPException(404, "DOCS_NOT_INSTALLED")
    return Path(found.origin).parent / "static"
