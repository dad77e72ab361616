"""``certinel admin``, called as people and scripts call it, with a configuration folder of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.commands import Outcome, run
from support.node import ADMIN_PASSWORD, SOURCES, TENANT, Node
from support.terminal import typed


@dataclass(slots=True)
class Admin:
    """Somebody who administers a node from a terminal."""

    node: Node
    home: Path
    """Where logins are kept."""
    user: str = f"{TENANT}/admin"
    password: str | None = ADMIN_PASSWORD
    """In the environment, as scripts have it; None when only a login can help."""

    @property
    def logins(self) -> Path:
        return self.home / "certinel/logins.json"

    @property
    def environment(self) -> dict[str, str]:
        given = {"PYTHONPATH": str(SOURCES), "XDG_CONFIG_HOME": str(self.home)}
        if self.password is not None:
            given |= {"CERTINEL_URL": self.node.https_url, "CERTINEL_CA": str(self.node.server_ca)}
            given |= {"CERTINEL_USER": self.user, "CERTINEL_PASSWORD": self.password}
        return given

    def __call__(self, *words: str | Path, answers: Sequence[str] = ()) -> Outcome:
        """Run a command without a terminal."""
        return run(*_command(*words), environment=self.environment, answers=answers)

    def typed(self, *words: str | Path, replies: Sequence[tuple[str, str]] = (), columns: int = 80) -> Outcome:
        """Run a command in a terminal."""
        return typed(*_command(*words), environment=self.environment, replies=replies, columns=columns)

    def done(self, *words: str | Path, answers: Sequence[str] = ()) -> str:
        """Run a command that has to succeed and return what it prints."""
        return self(*words, answers=answers).succeeded().output

    def json(self, *words: str | Path) -> Any:
        """Run a command that has to succeed and return the JSON it prints."""
        return json.loads(self.done(*words, "--json"))

    def refused(self, *words: str | Path) -> tuple[int, str]:
        """Run a command and return how it ended and what it complained of."""
        outcome = self(*words)
        return outcome.status, outcome.errors


def _command(*words: str | Path) -> tuple[str | Path, ...]:
    return (sys.executable, "-m", "certinel", "admin", *words)
