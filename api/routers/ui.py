"""The live page at the root, and its files."""

from fastapi import APIRouter, HTTPException, Request, Response

from api.deps import Anyone, Robot
from api.languages import COOKIE, LANGUAGE
from api.pages import Pages
from edge.words import LANGUAGES

REMEMBERED_S = 365 * 86400

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request, _: Anyone, language: str = "") -> Response:
    """`language`: chosen where there is no JavaScript, and remembered as that does it."""
    pages: Pages = request.app.state.pages
    if language not in LANGUAGES:
        return pages.index(LANGUAGE.get())
    answer = pages.index(language)
    answer.set_cookie(COOKIE, language, max_age=REMEMBERED_S, samesite="lax")
    return answer


@router.get("/ui/{name}")
async def asset(name: str, request: Request, _: Anyone) -> Response:
    pages: Pages = request.app.state.pages
    found = pages.asset(name, request.headers.get("if-none-match"))
    if found is None:
        raise HTTPException(404, "NO_SUCH_FILE")
    return found


@router.get("/ca.crt")
async def authority(_: Anyone, robot: Robot) -> Response:
    """What a device has to trust for HTTPS; docs/http.md says how."""
    path = robot.tls.authority
    if not path.exists():
        raise HTTPException(404, "NO_AUTHORITY")
    return Response(path.read_bytes(), media_type="application/x-x509-ca-cert")
