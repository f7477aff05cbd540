"""One route of FastAPI that does nothing, alone; and, as `python -m benchmarks.peers.bare`, the same in the product.

What the second costs more than the first is all that the product does around every request.
"""

from typing import Any

from fastapi import FastAPI

from api import __main__ as product
from api.app import create_app
from api.deps import Everybody
from api.routes import Index

PATH = "/api/v1/nothing"

app = FastAPI()


@app.get(PATH)
async def nothing() -> dict[str, bool]:
    return {"ok": True}


def with_it(*arguments: Any) -> FastAPI:
    """The whole product, and that route for all who are signed in."""
    made = create_app(*arguments)

    @made.get(PATH)
    async def nothing(_: Everybody) -> dict[str, bool]:
        return {"ok": True}

    made.router.middleware_stack = Index(made.router.routes, made.router.app)
    return made


if __name__ == "__main__":
    vars(product)["create_app"] = with_it
    product.main()
