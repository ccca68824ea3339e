"""`aisle staff`: who may sit at the desk, and which of a shop's programs may speak to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.settings import read_settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Home = Annotated[Path | None, typer.Option(help="The shop's home (AISLE_HOME, default .aisle).")]
Role = Annotated[str, typer.Option(help="agent, or admin: also numbers and accounts.")]
Password = Annotated[
    str,
    typer.Option(
        envvar="AISLE_STAFF_PASSWORD",
        prompt=True,
        hide_input=True,
        confirmation_prompt=True,
        help="Asked for where it is not given.",
    ),
]

staff_commands = typer.Typer(no_args_is_help=True, help=__doc__)


@staff_commands.command()
def add(
    name: str, password: Password, role: Role = "agent", home: Home = None, as_json: Json = False
) -> None:
    """Give a colleague an account for the desk at /staff."""
    with _staff(home) as staff:
        who = staff.add(name, password, role)
    _answer({"name": who.name, "role": who.role}, as_json, f"{who.name} may sign in at /staff.")


@staff_commands.command("list")
def list_(home: Home = None, as_json: Json = False) -> None:
    """Everyone with an account, and when each was last there."""
    with _staff(home) as staff:
        rows = [
            {"name": who.name, "role": who.role, "seen_at": seen and seen.isoformat()}
            for who, seen in staff.everyone()
        ]
    told = "\n".join(f"{each['name']}  {each['role']}  {each['seen_at'] or '-'}" for each in rows)
    _answer(rows, as_json, told or "Nobody has an account; `aisle staff add NAME`.")


@staff_commands.command()
def password(name: str, password: Password, home: Home = None, as_json: Json = False) -> None:
    """Set a colleague's password; their sessions end."""
    with _staff(home) as staff:
        staff.set_password(name, password)
    _answer({"name": name}, as_json, f"{name} has a new password.")


@staff_commands.command()
def remove(name: str, home: Home = None, as_json: Json = False) -> None:
    """Take a colleague's account away; what they wrote stays."""
    with _staff(home) as staff:
        staff.remove(name)
    _answer({"name": name}, as_json, f"{name} has no account any more.")


@staff_commands.command()
def token(name: str, role: Role = "agent", home: Home = None, as_json: Json = False) -> None:
    """Make a token for a program of the shop; it is shown this once."""
    with _staff(home) as staff:
        made = staff.add_token(name, role)
    _answer({"name": name, "role": role, "token": made}, as_json, made)


@staff_commands.command("remove-token")
def remove_token(name: str, home: Home = None, as_json: Json = False) -> None:
    """Take a program's token away."""
    with _staff(home) as staff:
        staff.remove_token(name)
    _answer({"name": name}, as_json, f"The token {name!r} opens nothing any more.")


@contextmanager
def _staff(home: Path | None) -> Iterator[Any]:
    # `aisle --help` must not wait for the database's libraries.
    from assistant.database import Database
    from assistant.desk.staff import Staff
    from assistant.store import Store

    settings = read_settings(home=home)
    database: Database = Store.open(settings.database_url).database
    try:
        yield Staff(database)
    finally:
        database.close()


def _answer(document: Any, as_json: bool, text: str) -> None:
    print(json.dumps(document, ensure_ascii=False) if as_json else text)
