"""What somebody asks for who forgot their password is on its way to their mailbox, and in nobody else's hands."""

import contextlib
import json
from pathlib import Path

from sqlalchemy import create_engine, text

from edge.services import users
from tests.support.site import Site, site, wait_for


def mails(here: Site) -> list[dict[str, str]]:
    """The tokens that central has to mail, as it keeps them."""
    engine = create_engine(f"sqlite:///{here.central.folder / 'central.db'}")
    with contextlib.closing(engine.connect()) as connection:
        query = "SELECT data FROM record WHERE entity = 'notification'"
        told = [json.loads(row[0]) for row in connection.execute(text(query))]
    engine.dispose()
    return [one["data"] for one in told if "reset_token" in one.get("data", {})]


def test_a_new_passwords_token_is_at_central_to_be_mailed_and_shown_to_nobody(
    tmp_path: Path,
) -> None:
    with site(tmp_path / "robot") as here:
        here.central.start()
        here.start_sync()
        here.library.do(lambda tx: users.ask_reset(tx, here.library.student.email))
        wait_for(lambda: len(mails(here)) == 1, "the mail to be at central")

        (mail,) = mails(here)
        assert mail["email"] == here.library.student.email
        token = mail["reset_token"]
        found = here.library.see(lambda reader: users.check_reset(reader, token))
        assert found == here.library.student.id
        told = here.central.get("/notifications?limit=100")
        assert "expires_at" in json.dumps(told) and token not in json.dumps(told)
