"""Who works at the desk: accounts, sessions that expire, tokens of a shop's own programs.

Passwords are kept as argon2id hashes, session and integration tokens as SHA-256: both are random.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import exc

from assistant.database import Database
from assistant.desk.tables import desk_tokens, staff, staff_sessions, staff_tries
from assistant.errors import BadInput, Conflict, NotFound, SignInRefused, TooMany

Role = Literal["agent", "admin"]
SHORTEST = 10
"""Characters of a password."""
SESSION = timedelta(hours=12)
UNUSED = timedelta(hours=2)
"""A session ends so long after its start, and after its last use."""
TRIES = 5
TRIES_OF_ADDRESS = 20
WITHIN = timedelta(minutes=15)
"""Wrong passwords that a name, and an address, may give within this time."""
PRESENT = timedelta(seconds=60)
"""A colleague who was heard of within this time is there."""
_SEEN_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Colleague:
    """Who acts at the desk: a person of `staff`, or an integration (`token:NAME`)."""

    staff_id: str
    name: str
    role: Role

    @property
    def is_person(self) -> bool:
        return not self.staff_id.startswith("token:")


def _now() -> datetime:
    return datetime.now(UTC)


class Staff:
    def __init__(self, database: Database, now: Callable[[], datetime] = _now) -> None:
        self._database = database
        self._now = now
        self._hasher = PasswordHasher()

    # --- accounts ---

    def add(self, name: str, password: str, role: str) -> Colleague:
        """A new account; raises BadInput for a poor name, password or role, Conflict for a name
        that is taken."""
        name = name.strip()
        if not 1 <= len(name) <= 60 or not name.isprintable():
            raise BadInput(f"the name {name[:80]!r} is not 1 to 60 printable characters")
        known = _role(role)
        _check_password(password)
        who = Colleague(secrets.token_urlsafe(12), name, known)
        try:
            with self._database.write() as connection:
                connection.execute(
                    staff.insert().values(
                        staff_id=who.staff_id,
                        name=name,
                        role=role,
                        password_hash=self._hasher.hash(password),
                        created_at=self._now(),
                    )
                )
        except exc.IntegrityError:
            raise Conflict(f"there is a colleague {name!r} already; choose another name") from None
        return who

    def set_password(self, name: str, password: str) -> None:
        """Also ends their sessions; raises NotFound."""
        _check_password(password)
        with self._database.write() as connection:
            staff_id = _id_of(connection, name)
            connection.execute(
                staff.update()
                .where(staff.c.staff_id == staff_id)
                .values(password_hash=self._hasher.hash(password))
            )
            connection.execute(staff_sessions.delete().where(staff_sessions.c.staff_id == staff_id))

    def remove(self, name: str) -> None:
        """The account and its sessions; what they wrote stays under their name. Raises NotFound."""
        with self._database.write() as connection:
            staff_id = _id_of(connection, name)
            connection.execute(staff.delete().where(staff.c.staff_id == staff_id))

    def everyone(self) -> list[tuple[Colleague, datetime | None]]:
        """With when each was last heard of."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(staff).order_by(staff.c.name)).all()
        return [(Colleague(row.staff_id, row.name, row.role), row.seen_at) for row in rows]

    def anybody_there(self) -> bool:
        since = self._now() - PRESENT
        with self._database.read() as connection:
            return (
                connection.scalar(
                    sa.select(staff.c.staff_id).where(staff.c.seen_at > since).limit(1)
                )
                is not None
            )

    # --- sessions ---

    def log_in(self, name: str, password: str, address: str) -> tuple[str, Colleague]:
        """A session's token. Raises SignInRefused, without telling whether the name is known;
        TooMany after too many wrong passwords for the name or from the address."""
        now = self._now()
        name = name.strip()[:60]
        recent = staff_tries.c.at > now - WITHIN
        with self._database.write() as connection:
            connection.execute(staff_tries.delete().where(staff_tries.c.at <= now - WITHIN))
            for column, value, most in (
                (staff_tries.c.name, name, TRIES),
                (staff_tries.c.address, address, TRIES_OF_ADDRESS),
            ):
                count = sa.select(sa.func.count()).where(column == value, recent)
                if (connection.scalar(count) or 0) >= most:
                    minutes = int(WITHIN.total_seconds() / 60)
                    raise TooMany(
                        f"too many wrong passwords; try again in {minutes} minutes",
                        f"密码错误次数过多；请在{minutes}分钟后重试",
                    )
            # Counted before it is judged: many at once get no more tries than one by one.
            try_id = secrets.token_urlsafe(12)
            connection.execute(
                staff_tries.insert().values(try_id=try_id, name=name, address=address, at=now)
            )
            row = connection.execute(sa.select(staff).where(staff.c.name == name)).one_or_none()
        try:
            # A name that nobody has costs the same time as one that somebody has.
            known = row.password_hash if row else self._hasher.hash(secrets.token_hex(16))
            self._hasher.verify(known, password)
        except VerificationError:
            row = None
        if row is None:
            raise SignInRefused("that name and password do not belong together", "姓名与密码不匹配")
        token = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            connection.execute(staff_tries.delete().where(staff_tries.c.try_id == try_id))
            connection.execute(
                staff_sessions.delete().where(staff_sessions.c.started_at < now - SESSION)
            )
            connection.execute(
                staff_sessions.insert().values(
                    token_hash=_hash(token), staff_id=row.staff_id, started_at=now, seen_at=now
                )
            )
            connection.execute(
                staff.update().where(staff.c.staff_id == row.staff_id).values(seen_at=now)
            )
        return token, Colleague(row.staff_id, row.name, row.role)

    def who(self, token: str | None) -> Colleague | None:
        """Whose session this is; None for no session or one that has expired."""
        if not token:
            return None
        now = self._now()
        live = (
            sa.select(staff, staff_sessions.c.seen_at.label("used_at"))
            .join(staff_sessions)
            .where(
                staff_sessions.c.token_hash == _hash(token),
                staff_sessions.c.started_at > now - SESSION,
                staff_sessions.c.seen_at > now - UNUSED,
            )
        )
        with self._database.read() as connection:
            row = connection.execute(live).one_or_none()
        if row is None:
            return None
        if now - row.used_at > _SEEN_EVERY or row.seen_at is None or now - row.seen_at > PRESENT:
            with self._database.write() as connection:
                connection.execute(
                    staff_sessions.update()
                    .where(staff_sessions.c.token_hash == _hash(token))
                    .values(seen_at=now)
                )
                connection.execute(
                    staff.update().where(staff.c.staff_id == row.staff_id).values(seen_at=now)
                )
        return Colleague(row.staff_id, row.name, row.role)

    def log_out(self, token: str | None) -> None:
        """The session is over, and its colleague is no longer there."""
        if not token:
            return
        this = staff_sessions.c.token_hash == _hash(token)
        with self._database.write() as connection:
            staff_id = connection.scalar(sa.select(staff_sessions.c.staff_id).where(this))
            connection.execute(staff_sessions.delete().where(this))
            connection.execute(
                staff.update().where(staff.c.staff_id == staff_id).values(seen_at=None)
            )

    # --- integrations ---

    def add_token(self, name: str, role: str) -> str:
        """A token for a shop's own program; it is shown once. Raises BadInput, Conflict."""
        known = _role(role)
        if not name.strip() or not name.isascii() or not name.isprintable():
            raise BadInput(f"the token's name {name[:80]!r} is not printable ASCII")
        token = f"aisle_{secrets.token_urlsafe(32)}"
        try:
            with self._database.write() as connection:
                connection.execute(
                    desk_tokens.insert().values(
                        token_hash=_hash(token), name=name, role=known, created_at=self._now()
                    )
                )
        except exc.IntegrityError:
            raise Conflict(f"there is a token {name!r} already; remove it first") from None
        return token

    def remove_token(self, name: str) -> None:
        with self._database.write() as connection:
            done = connection.execute(desk_tokens.delete().where(desk_tokens.c.name == name))
            if not done.rowcount:
                raise NotFound(f"there is no token {name!r}")

    def integration(self, token: str) -> Colleague | None:
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(desk_tokens).where(desk_tokens.c.token_hash == _hash(token))
            ).one_or_none()
        return Colleague(f"token:{row.name}", row.name, row.role) if row else None


def _role(role: str) -> Role:
    for each in get_args(Role):
        if each == role:
            return each  # type: ignore[no-any-return]
    raise BadInput(f"role {role!r} is not one of {', '.join(get_args(Role))}")


def _check_password(password: str) -> None:
    if not SHORTEST <= len(password) <= 200:
        raise BadInput(f"the password has {len(password)} characters; give {SHORTEST} to 200")


def _id_of(connection: sa.Connection, name: str) -> str:
    staff_id: str | None = connection.scalar(
        sa.select(staff.c.staff_id).where(staff.c.name == name)
    )
    if staff_id is None:
        raise NotFound(f"there is no colleague {name!r}; `aisle staff list` names them")
    return staff_id


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
