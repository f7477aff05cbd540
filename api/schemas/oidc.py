"""Signing in by somebody else's word."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import At, Body, Model

Ticket = Annotated[str, StringConstraints(min_length=1, max_length=128)]

Said = Annotated[str | None, StringConstraints(max_length=4096)]


class CameBack(Model):
    """What a provider adds to the address that it sends browsers back to."""

    code: Said = None
    state: Said = None
    error: Said = None
    iss: Said = None


class Redeemed(Body):
    """`ticket`: from the address that the browser came back to."""

    ticket: Ticket


class Provider(Model):
    name: str = Field(examples=["library"])
    label: str = Field(examples=["Library account"])
    kind: Literal["oidc", "github"]
    start: str = Field(
        description="where a browser goes to begin",
        examples=["https://luna-01.example.org/api/v1/auth/oidc/library/start"],
    )


class Providers(Model):
    providers: list[Provider]


class Begun(Model):
    location: str = Field(
        description="where the browser goes next",
        examples=["https://sso.example.org/authorize?response_type=code"],
    )


class Linked(Model):
    provider: str = Field(examples=["library"])
    email: str = Field(description="as the provider has verified it; empty where it has not")
    created_at: At


class Links(Model):
    links: list[Linked]


class Unlinked(Model):
    unlinked: Literal[True]
