"""Logins that are kept between commands: tokens, never passwords, in a file that only its owner can read."""

import json
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import typer

from certinel.cli.terminal import EXIT_USAGE, CommandError

FILE_NAME: Final = "logins.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedLogin:
    """Somebody who is signed in somewhere."""

    url: str
    tenant: str
    user_name: str
    token: str = field(repr=False)
    expires: int
    """Seconds since 1970."""
    server_ca: str | None = None
    """PEM of who has signed the node's certificate; None trusts whom the system trusts."""

    @property
    def user(self) -> str:
        """The user as ``TENANT/NAME``."""
        return f"{self.tenant}/{self.user_name}"


@dataclass(frozen=True, slots=True)
class SavedLogins:
    """All saved logins by the name of their platform, and which of them is in use."""

    by_name: Mapping[str, SavedLogin] = field(default_factory=dict)
    current: str | None = None

    def named(self, name: str) -> SavedLogin:
        """Return a login by its name."""
        if name not in self.by_name:
            known = ", ".join(sorted(self.by_name)) or "none"
            raise CommandError(f"there is no saved login {name}; there are: {known}", EXIT_USAGE)
        return self.by_name[name]

    def meant(self, url: str | None, user: str | None) -> tuple[str, SavedLogin] | None:
        """Return the login that fits what was given; with nothing given, the one in use."""
        names = sorted(self.by_name, key=lambda name: name != self.current)
        if url is None and user is None:
            names = [self.current] if self.current is not None else []
        for name in names:
            login = self.by_name[name]
            is_user = user is None or user in {login.user, login.user_name}
            if is_user and (url is None or url.rstrip("/") == login.url):
                return name, login
        return None

    def with_login(self, name: str, login: SavedLogin) -> "SavedLogins":
        """Return these with one more, which is in use from now on."""
        return SavedLogins({**self.by_name, name: login}, name)

    def without(self, name: str) -> "SavedLogins":
        """Return these without one; another one is in use only when it is chosen."""
        left = {other: login for other, login in self.by_name.items() if other != name}
        return SavedLogins(left, None if self.current == name else self.current)


def file() -> Path:
    """Return where logins are kept: ``$XDG_CONFIG_HOME/certinel``, else ``~/.config/certinel``."""
    return Path(typer.get_app_dir("certinel")) / FILE_NAME


def load() -> SavedLogins:
    """Read the saved logins; without a file there are none. Refuses a file that others can read."""
    path = file()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise CommandError(f"{path} has tokens in it, and others can read it: chmod 600 {path}", EXIT_USAGE)
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return SavedLogins(
            {str(name): SavedLogin(**login) for name, login in content["logins"].items()}, content.get("current")
        )
    except FileNotFoundError:
        return SavedLogins()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}", EXIT_USAGE) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandError(f"{path} cannot be read; remove it and sign in again", EXIT_USAGE) from None


def save(logins: SavedLogins) -> None:
    """Keep ``logins``, all of them or, when that fails, those of before."""
    from certinel.cli.pki.files import write_secret

    path = file()
    content = {"current": logins.current, "logins": {name: asdict(login) for name, login in logins.by_name.items()}}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{path.parent}: {error.strerror or error}", EXIT_USAGE) from None
    write_secret(path, json.dumps(content, indent=2).encode() + b"\n", force=True)
