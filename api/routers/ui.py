"""The live page at the root, and its files."""

from fastapi import APIRouter, HTTPException, Request, Response

from api.deps import Anyone
from api.pages import Pages

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request, _: Anyone) -> Response:
    pages: Pages = request.app.state.pages
    return pages.index()


@router.get("/ui/{name}")
async def asset(name: str, request: Request, _: Anyone) -> Response:
    pages: Pages = request.app.state.pages
    found = pages.asset(name, request.headers.get("if-none-match"))
    if found is None:
        raise HTTPException(404, "There is no such file.")
    return found
