"""Hashing and checking passwords: slow on purpose, so off the event loop and few at a time."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import argon2

from certinel.domain.errors import DeviceIdentityError
from certinel.services.recent import Recent

MAX_PASSWORD_BYTES = 1024
"""Longer passwords are wrong unread; nobody has one."""

MIN_PASSWORD_CHARACTERS = 8
"""Of a password that people choose (SP 800-63B, 5.1.1.1); no rule says which ones."""

MAX_AT_ONCE = 2
"""Each takes a core and 64 MiB for tens of milliseconds."""

MAX_WAITING = 64
"""Who comes when so many wait is told to come back: the wait would be longer than patience."""

REMEMBERED_FOR = timedelta(seconds=60)
"""So that a client that sends its password with every call does not pay for each."""

MAX_REMEMBERED = 10_000


class PasswordsBusyError(DeviceIdentityError):
    """More passwords are to be checked than can be; trying later helps."""

    code = "password/busy"

    def __init__(self) -> None:
        super().__init__("Too many logins at once, try again in a moment.")


class UnacceptablePasswordError(DeviceIdentityError):
    """A new password is too short, or longer than any that would be read; it is not repeated."""

    code = "password/unacceptable"

    def __init__(self) -> None:
        super().__init__(
            f"A password must have at least {MIN_PASSWORD_CHARACTERS} characters "
            f"and at most {MAX_PASSWORD_BYTES} bytes."
        )


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock
    waiting: int = 0


class Passwords:
    """argon2id (RFC 9106). A wrong password, an unknown user and a user without a password take the same time."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        """Use argon2-cffi's parameters unless ``hasher`` has others; weaker ones are for tests only."""
        self._hasher = hasher if hasher is not None else argon2.PasswordHasher()
        self._nobodys_hash = self._hasher.hash(secrets.token_bytes(16))
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._waiting = 0
        self._memory_key = secrets.token_bytes(32)
        self._remembered: Recent[bytes, datetime] = Recent(MAX_REMEMBERED)
        self._turns: dict[bytes, _Turn] = {}

    async def hash(self, password: str) -> str:
        """Return what to store of ``password``."""
        async with self._slot():
            return await asyncio.to_thread(self._hasher.hash, _encoded(password))

    async def hash_new(self, password: str) -> str:
        """Return what to store of a password that somebody chose.

        Raises:
            UnacceptablePasswordError: it is too short or too long.
            PasswordsBusyError: too many passwords are waiting.
        """
        if len(password) < MIN_PASSWORD_CHARACTERS or len(_encoded(password)) > MAX_PASSWORD_BYTES:
            raise UnacceptablePasswordError
        return await self.hash(password)

    def is_remembered(self, stored_hash: str | None, password: str, at: datetime) -> bool:
        """Tell whether this password was right for this very hash a short while ago."""
        until = self._remembered.get(self._memory_id(stored_hash, password))
        return until is not None and until - REMEMBERED_FOR <= at < until

    async def is_right(self, stored_hash: str | None, password: str, at: datetime) -> bool:
        """Check ``password``; without a hash it is wrong, in the time a check takes.

        Raises:
            PasswordsBusyError: too many checks are waiting.
        """
        is_match = await self._matches(stored_hash if stored_hash is not None else self._nobodys_hash, password)
        if is_match and stored_hash is not None:
            self._remembered.put(self._memory_id(stored_hash, password), at + REMEMBERED_FOR)
        return is_match and stored_hash is not None

    @asynccontextmanager
    async def turn(self, stored_hash: str | None, password: str) -> AsyncIterator[None]:
        """Let the same password for the same user be checked once at a time: the next ones find it remembered."""
        key = self._memory_id(stored_hash, password)
        turn = self._turns.setdefault(key, _Turn(asyncio.Lock()))
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if turn.waiting == 0:
                del self._turns[key]

    async def _matches(self, stored_hash: str, password: str) -> bool:
        encoded = _encoded(password)
        if len(encoded) > MAX_PASSWORD_BYTES:
            return False
        async with self._slot():
            try:
                return await asyncio.to_thread(self._hasher.verify, stored_hash, encoded)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise PasswordsBusyError
        self._waiting += 1
        try:
            async with self._at_once:
                yield
        finally:
            self._waiting -= 1

    def _memory_id(self, stored_hash: str | None, password: str) -> bytes:
        """Name a password for a hash without keeping it: keyed, and another one as soon as the stored hash changes."""
        text = _encoded(f"{stored_hash or self._nobodys_hash}\0{password}")
        return hmac.new(self._memory_key, text, hashlib.sha256).digest()


def _encoded(password: str) -> bytes:
    """Encode any text: what was typed need not be valid Unicode."""
    return password.encode("utf-8", "surrogatepass")
