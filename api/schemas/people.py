"""Accounts and tokens."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from api.schemas.base import At, Body, Model, Text, Unchanged
from edge.domain.users import Role

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$", to_lower=True)]
NewPassword = Annotated[
    str, StringConstraints(min_length=8, max_length=128, strip_whitespace=False)
]
UserRole = Literal[Role.STUDENT, Role.LIBRARIAN, Role.ADMIN]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=False)]


class Registration(Body):
    email: Email = Field(examples=["ada@example.org"])
    password: NewPassword
    first_name: Text
    last_name: Text
    phone_number: Text | None = None


class Login(Body):
    email: Text
    password: Secret


class PinLogin(Body):
    """`login`: an email or a library card's number."""

    login: Text
    pin: Secret


class Refresh(Body):
    refresh_token: Secret


class Profile(Body):
    """What is left out stays as it is."""

    first_name: Text = Unchanged
    last_name: Text = Unchanged
    phone_number: Text | None = None


class PasswordChange(Body):
    current_password: Secret
    new_password: NewPassword


class Forgotten(Body):
    email: Text = Field(examples=["ada@example.org"])


class PasswordReset(Body):
    token: Secret
    new_password: NewPassword


Pin = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]


class NewUser(Body):
    """`pin` and `card_number` are for signing in at the touchscreen."""

    email: Email = Field(examples=["grace@example.org"])
    password: NewPassword
    first_name: Text
    last_name: Text
    phone_number: Text | None = None
    role: UserRole = Role.STUDENT
    pin: Pin | None = None
    card_number: Text | None = None


class UserChange(Body):
    """What is left out stays as it is. A changed role, and `active: false`, end all the user's sessions."""

    role: UserRole = Unchanged
    active: StrictBool = Unchanged
    pin: Pin | None = None
    card_number: Text | None = None


class User(Model):
    id: str
    email: str
    first_name: str
    last_name: str
    phone_number: str | None
    role: Role
    active: bool
    version: int
    created_at: At
    updated_at: At


class SignedOut(Model):
    signed_out: Literal[True]


class Changed(Model):
    changed: Literal[True]


class Accepted(Model):
    accepted: Literal[True]


class Session(Model):
    user: User
    access_token: str
    refresh_token: str
    expires_in: int = Field(description="life of the access token, s")
    token_type: Literal["Bearer"]
