"""The whole application, made by `create_app`; nothing is made at import."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.middleware import Middleware

from api import errors, openapi
from api.context import Context
from api.feed import Feed
from api.intake import Intake
from api.live import Live
from api.maps import MapFile
from api.metrics import Metrics
from api.middleware import Outermost
from api.oidc.providers import Providers
from api.pages import Button, Pages
from api.routers import (
    auth,
    books,
    deliveries,
    docs,
    events,
    health,
    imports,
    notifications,
    oidc,
    places,
    requests,
    returns,
    robot,
    stop,
    ui,
    users,
)
from api.routes import Index
from api.security import Secrets, Tokens
from api.stop import Stopper
from api.tls import Tls
from edge.settings import Settings
from edge.store.database import Database, new_id

ROUTERS = (
    health, auth, oidc, imports, books, requests, returns, deliveries, stop, robot, places, notifications, users,
    events, docs, ui,
)  # fmt: skip


def create_app(settings: Settings, database: Database, live: Live, jwt_key: str) -> FastAPI:
    """`live.committed` should be the database's `on_commit`, so that changes show at once."""
    metrics = Metrics()
    context = Context(
        settings=settings,
        database=database,
        live=live,
        tokens=Tokens(jwt_key, settings.api.access_token_s),
        secrets=Secrets(),
        stopper=Stopper(settings.run_dir, metrics),
        intake=Intake(database, settings.data_dir / "uploads"),
        map=MapFile(settings.map_path),
        metrics=metrics,
        providers=Providers(settings.oidc, settings.data_dir),
        tls=Tls(settings),
        boot_id=new_id(),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        feed = Feed(settings, database, live)
        live.start()
        feed.start()
        yield
        await feed.close()
        await live.close()
        await context.providers.close()
        context.secrets.close()
        context.stopper.close()
        context.intake.close()

    app = FastAPI(
        title="LUNA",
        version="1",
        lifespan=lifespan,
        middleware=[Middleware(Outermost, metrics=metrics, settings=settings.api)],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.context = context
    buttons = _buttons(context.providers)
    app.state.pages = Pages(settings.robot.name, settings.library.time_zone, buttons)
    errors.install(app, ROUTERS)
    # Each as itself, and not included: FastAPI looks for what is included twice, and through all of it.
    app.router.routes.extend(route for module in ROUTERS for route in module.router.routes)
    app.router.middleware_stack = Index(app.router.routes, app.router.app)
    openapi.install(app, ROUTERS)
    return app


def _buttons(providers: Providers) -> list[Button]:
    return [
        Button(name, provider.settings.label, providers.start_url(name))
        for name, provider in providers
    ]
