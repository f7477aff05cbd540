"""Signing in by OpenID Connect or GitHub, and linking such an account to one's own.

A browser goes to `start`, from there to the provider, comes back to `callback`, and is sent to the page with a ticket
after the `#`, which is good once, for a minute, in that browser alone. For it `session` gives the tokens.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Query, Request, Response

from api import envelope, errors
from api.context import Context
from api.deps import Anyone, Robot, SignedIn
from api.languages import LANGUAGE
from api.oidc.provider import Flow, check_domain
from api.oidc.providers import FLOW_S, PATH, new_cookie
from api.pages import Pages, wants_page
from api.schemas.base import One
from api.schemas.oidc import Begun, CameBack, Links, Providers, Redeemed, Unlinked
from api.schemas.people import Session
from api.signing_in import token_answer
from edge import logs
from edge.domain.errors import LunaError, SignInRefusedError
from edge.domain.identities import Identity
from edge.domain.users import SYSTEM, User
from edge.services import identities, sessions, users
from edge.store.database import Transaction

router = APIRouter(prefix=PATH, tags=["oidc"])
log = logs.get("api.oidc")

COOKIE = "luna-sign-in"
"""Says only which browser began: nobody is signed in by it."""
TO_PROVIDER: dict[int | str, dict[str, Any]] = {303: {"description": "To the provider."}}
TO_PAGE: dict[int | str, dict[str, Any]] = {
    303: {"description": "To the page, with a ticket after the #."}
}

Browser = Annotated[str | None, Cookie(alias=COOKIE, max_length=100)]


@router.get("/providers", response_model=One[Providers], summary="Who else may say who I am")
async def providers(_: Anyone, robot: Robot) -> Response:
    found = [
        {
            "name": name,
            "label": provider.settings.label,
            "kind": provider.settings.kind,
            "start": robot.providers.start_url(name),
        }
        for name, provider in robot.providers
    ]
    return envelope.one({"providers": found})


@router.get(
    "/{provider}/start",
    status_code=303,
    responses=TO_PROVIDER,
    response_class=Response,
    summary="Begin to sign in there",
)
async def start(
    provider: str, request: Request, _: Anyone, robot: Robot, browser: Browser = None
) -> Response:
    try:
        cookie = browser or new_cookie()
        location = await robot.providers.begin(provider, cookie)
    except LunaError as error:
        return _refused(request, provider, error)
    return _remember(_to(location), robot, cookie)


@router.get(
    "/{provider}/callback",
    status_code=303,
    responses=TO_PAGE,
    response_class=Response,
    summary="Come back from there",
)
async def callback(
    provider: str,
    request: Request,
    _: Anyone,
    robot: Robot,
    said: Annotated[CameBack, Query()],
    browser: Browser = None,
) -> Response:
    try:
        known = robot.providers.get(provider)
        flow = robot.providers.come_back(provider, said.state or "", browser)
        if said.error is not None or not said.code:
            raise SignInRefusedError("the provider sent nobody")
        who = await known.identity(flow, said.code, said.iss)
        check_domain(who, known.settings)
        user = await _account(robot, flow, who, makes_accounts=known.settings.makes_accounts)
    except LunaError as refused:
        robot.metrics.sign_ins.labels("refused").inc()
        return _refused(request, provider, refused)
    return _to(f"{robot.providers.public_url}/#ticket={robot.providers.ticket(user.id, flow)}")


@router.post("/session", response_model=One[Session], summary="Tokens for a ticket")
async def session(body: Redeemed, _: Anyone, robot: Robot, browser: Browser = None) -> Response:
    user_id = robot.providers.redeem(body.ticket, browser)

    def work(tx: Transaction) -> tuple[User, str]:
        user = users.get(tx, user_id)
        if not user.active:
            raise SignInRefusedError("the account was closed meanwhile")
        sessions.login_succeeded(tx, user.id)
        life_s = robot.settings.api.refresh_token_s
        return user, sessions.open_family(tx, user.id, lifetime_s=life_s)

    user, refresh = await robot.write(SYSTEM, work)
    robot.metrics.sign_ins.labels("signed in").inc()
    return token_answer(robot, user, refresh)


@router.get("/links", response_model=One[Links], summary="The providers that I am linked to")
async def links(who: SignedIn, robot: Robot) -> Response:
    names = {provider.settings.issuer: name for name, provider in robot.providers}
    found = robot.read(lambda reader: identities.of(reader, who.id))
    return envelope.one(
        {
            "links": [
                {
                    "provider": names.get(link.issuer, link.issuer),
                    "email": link.email,
                    "created_at": link.created_at,
                }
                for link in found
            ]
        }
    )


@router.post("/{provider}/link", response_model=One[Begun], summary="Link my account to theirs")
async def link(provider: str, who: SignedIn, robot: Robot, browser: Browser = None) -> Response:
    """From then on I may sign in there. The browser that asks this goes to `location` itself."""
    cookie = browser or new_cookie()
    location = await robot.providers.begin(provider, cookie, user_id=who.id, session=who.session)
    return _remember(envelope.one({"location": location}), robot, cookie)


@router.delete("/{provider}/link", response_model=One[Unlinked], summary="End that link")
async def unlink(provider: str, who: SignedIn, robot: Robot) -> Response:
    issuer = robot.providers.get(provider).settings.issuer
    await robot.write(who.actor, lambda tx: identities.unlink(tx, who.id, issuer))
    return envelope.one({"unlinked": True})


async def _account(robot: Context, flow: Flow, who: Identity, *, makes_accounts: bool) -> User:
    """Whose session the ticket will open."""
    if flow.user_id:
        if not robot.read(lambda reader: sessions.is_open(reader, flow.session)):
            raise SignInRefusedError("who wanted to link was signed out meanwhile")
        return await robot.write(SYSTEM, lambda tx: identities.link(tx, flow.user_id, who))
    password_hash = ""
    if not robot.read(lambda reader: identities.is_known(reader, who)):
        password_hash = await robot.secrets.hash_new(new_cookie())  # of one that nobody knows

    def work(tx: Transaction) -> User:
        return identities.sign_in(
            tx, who, password_hash=password_hash, makes_accounts=makes_accounts
        )

    return await robot.write(SYSTEM, work)


def _to(location: str) -> Response:
    return Response(status_code=303, headers={"Location": location})


def _remember(answer: Response, robot: Context, cookie: str) -> Response:
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(FLOW_S),
        path=PATH,
        secure=robot.providers.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return answer


def _refused(request: Request, provider: str, error: LunaError) -> Response:
    """A page for people, an envelope for programs; the reason is for the log alone."""
    if isinstance(error, SignInRefusedError):
        log.warning("sign-in refused", provider=provider[:32], reason=error.reason)
    answer = errors.answer(error)
    if not wants_page(request):
        return answer
    pages: Pages = request.app.state.pages
    return pages.refused(LANGUAGE.get(), errors.in_words(error), answer.status_code)
