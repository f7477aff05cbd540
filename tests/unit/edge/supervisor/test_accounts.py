"""What is printed about the demo's accounts."""

from edge.supervisor.accounts import table

PERSON = {"email": "a@b.c", "password": "word", "pin": "012345"}
ACCOUNTS = {
    "url": "http://127.0.0.1:8080",
    "student": PERSON,
    "librarian": PERSON,
    "admin": PERSON,
    "mqtt": {"host": "127.0.0.1", "port": 1883, "username": "integrator", "password": "secret"},
    "central": {"url": "http://127.0.0.1:9000", "email": "c@d.e", "password": "other"},
}


def test_the_table_names_each_account_with_its_password() -> None:
    lines = table(ACCOUNTS).splitlines()
    assert [line.split()[0] for line in lines] == [
        "student",
        "librarian",
        "admin",
        "MQTT",
        "central",
    ]
    assert all("password" in line for line in lines)


def test_without_central_there_is_no_line_for_it() -> None:
    assert "central" not in table({**ACCOUNTS, "central": None})
