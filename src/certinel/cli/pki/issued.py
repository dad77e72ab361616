"""The index beside a CA's certificate: what it has issued and revoked, one JSON object a line."""

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography import x509

from certinel.cli.pki.files import write_public
from certinel.cli.terminal import EXIT_USAGE, CommandError


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that the CA has issued."""

    serial: str
    """In lower-case hexadecimal digits."""
    subject: str
    not_after: str
    revoked_at: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Describe a certificate that was just issued."""
        return cls(
            f"{certificate.serial_number:x}",
            certificate.subject.rfc4514_string(),
            certificate.not_valid_after_utc.isoformat(),
        )

    def is_live(self, at: datetime) -> bool:
        """Tell whether the certificate is neither revoked nor expired."""
        return self.revoked_at is None and datetime.fromisoformat(self.not_after) >= at

    def revoked(self, at: datetime, reason: str | None) -> "Issued":
        """Return it with the moment and the reason of its revocation."""
        return replace(self, revoked_at=at.isoformat(timespec="seconds"), reason=reason)


class IssuedIndex:
    """The index of one CA. Other programs' indexes, such as openssl's database, are *not* read."""

    def __init__(self, ca: Path) -> None:
        self._file = ca.with_name(f"{ca.stem}.index.jsonl")
        self.entries = list(self._read())

    @classmethod
    @contextmanager
    def locked(cls, ca: Path) -> Iterator[Self]:
        """Hold the index of the CA alone, so that two commands do not issue for one subject."""
        lock = ca.with_name(f".{ca.stem}.index.lock")
        try:
            opened = lock.open("w")
        except OSError as error:
            raise CommandError(f"{lock}: {error.strerror or error}", EXIT_USAGE) from None
        with opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            yield cls(ca)

    @staticmethod
    def forget(ca: Path) -> None:
        """Begin anew: the CA in the file has just been made, and has issued nothing."""
        ca.with_name(f"{ca.stem}.index.jsonl").unlink(missing_ok=True)

    def live_subjects(self, at: datetime) -> set[str]:
        """Return the subjects that have a certificate which is neither revoked nor expired."""
        return {entry.subject for entry in self.entries if entry.is_live(at)}

    def add(self, entries: Iterable[Issued]) -> None:
        """Write down more."""
        self.save([*self.entries, *entries])

    def note(self, entries: Iterable[Issued]) -> None:
        """Write down those that are not known yet."""
        known = {entry.serial for entry in self.entries}
        self.add(entry for entry in entries if entry.serial not in known)

    def save(self, entries: Iterable[Issued]) -> None:
        """Write down ``entries`` in place of what is there."""
        self.entries = list(entries)
        lines = [json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in self.entries]
        write_public(self._file, "".join(lines).encode(), force=True)

    def _read(self) -> Iterator[Issued]:
        if not self._file.exists():
            return
        try:
            for line in self._file.read_text(encoding="utf-8").splitlines():
                yield Issued(**json.loads(line))
        except (OSError, ValueError, TypeError):
            raise CommandError(f"{self._file}: it is damaged, or not ours", EXIT_USAGE) from None
