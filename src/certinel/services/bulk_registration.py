"""Registering many devices from a table: batch by batch, each in a transaction of its own.

A table that is cut short has registered whole batches; the same table again ends with every device once.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from typing import BinaryIO, Final

from certinel.domain.audit import Actor
from certinel.domain.bulk_registration import (
    DeviceRegistration,
    Entry,
    ExpectedDevice,
    FailedRow,
    RegistrationLayout,
)
from certinel.domain.device_table import MAX_LINE_CHARACTERS, DeviceTable, EncodingFinder, UnusableTableError
from certinel.domain.identifiers import MANAGEMENT_TENANT, DeviceId, TenantId
from certinel.services.passwords import PasswordsBusyError
from certinel.services.platform import Platform
from certinel.services.registration_batch import Groups, Prepared, RegistrationBatch
from certinel.storage.errors import RowConflictError

ROWS_AT_ONCE: Final = 250
"""Rows of one transaction: others who write wait for it, a tenth of a second or so."""
PIECE_BYTES: Final = 1 << 16
HASHED_AT_ONCE: Final = 2
"""Passwords of one table: hashing uses few threads, and people who log in use the same."""
TRIES: Final = 5
"""How often a batch is begun when devices connect for the first time meanwhile."""


@dataclass(slots=True)
class BulkResult:
    """What became of the rows."""

    created: int = 0
    updated: list[DeviceId] = field(default_factory=list)
    failed: list[FailedRow] = field(default_factory=list)
    expected: int | None = None
    """How many rows the file has; None until it was read to its end."""

    @property
    def successful(self) -> int:
        """How many rows were carried out."""
        return self.created + len(self.updated)

    @property
    def all(self) -> int:
        """How many rows there were."""
        return self.successful + len(self.failed)


async def register(
    platform: Platform, caller: TenantId, file: BinaryIO, by: Actor, result: BulkResult | None = None
) -> BulkResult:
    """Register every device of ``file``; ``caller`` is the tenant of who sends it.

    The whole file is read once before anything is stored. What becomes of the rows is written into ``result`` as it
    goes on, for those who want to look meanwhile.

    Raises:
        UnusableTableError: the file is no table of devices; nothing is stored.
    """
    result = result if result is not None else BulkResult()
    encoding, result.expected = await asyncio.to_thread(_check, file, caller)
    groups: Groups = {}
    file.seek(0)
    text = TextIOWrapper(file, encoding, newline="")
    try:
        batches = _batches(_entries(text, caller))
        while batch := await asyncio.to_thread(next, batches, None):
            groups = await _register_batch(platform, batch, by, result, groups)
    finally:
        text.detach()
    return result


def _check(file: BinaryIO, caller: TenantId) -> tuple[str, int]:
    """Read the file to its end and return its encoding and how many rows it has; raises ``UnusableTableError``."""
    finder = EncodingFinder()
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        finder.feed(piece)
    encoding = finder.encoding()
    file.seek(0)
    text = TextIOWrapper(file, encoding, newline="")
    try:
        rows = sum(1 for _ in _entries(text, caller))
        if not rows:
            raise UnusableTableError("CSV file contained empty dataset")
    finally:
        text.detach()
    return encoding, rows


def _entries(text: TextIOWrapper, caller: TenantId) -> Iterator[Entry]:
    table = DeviceTable(iter(lambda: text.readline(MAX_LINE_CHARACTERS + 1), ""))
    layout = RegistrationLayout(table.headings, caller, is_management=caller == MANAGEMENT_TENANT)
    return (layout.entry(row) for row in table.rows())


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries in order, a few hundred at once, no device twice in a batch."""
    waiting: Entry | None = None
    while True:
        batch: list[Entry] = [] if waiting is None else [waiting]
        waiting = None
        seen = {_key(entry) for entry in batch}
        for entry in islice(entries, ROWS_AT_ONCE - len(batch)):
            if isinstance(entry, ExpectedDevice) and _key(entry) in seen:
                waiting = entry
                break
            batch.append(entry)
            seen.add(_key(entry))
        if not batch:
            return
        yield batch


def _key(entry: Entry) -> tuple[str, str]:
    return (entry.tenant, entry.device) if isinstance(entry, ExpectedDevice) else ("", "")


async def _register_batch(
    platform: Platform, entries: Sequence[Entry], by: Actor, result: BulkResult, groups: Groups
) -> Groups:
    result.failed += [entry for entry in entries if isinstance(entry, FailedRow)]
    prepared = await _prepared(platform, [entry for entry in entries if isinstance(entry, ExpectedDevice)], result)
    batch = await _stored(platform, prepared, by, groups)
    result.created += batch.created
    result.updated += batch.updated
    result.failed += batch.failed
    return batch.groups


async def _stored(
    platform: Platform, prepared: Sequence[Prepared], by: Actor, groups: Groups, tries: int = TRIES
) -> RegistrationBatch:
    batch = RegistrationBatch(platform.bus, by, platform.clock.now(), dict(groups))
    try:
        async with platform.database.transaction() as tx:
            await batch.store(tx, prepared)
    except RowConflictError:  # one of the devices has made itself known meanwhile: now it is found
        if tries == 1:
            raise
        return await _stored(platform, prepared, by, groups, tries - 1)
    return batch


async def _prepared(platform: Platform, entries: Sequence[ExpectedDevice], result: BulkResult) -> list[Prepared]:
    """Hash the secrets of ``entries``, which takes long, before the transaction begins."""
    prepared: list[Prepared] = []
    for start in range(0, len(entries), HASHED_AT_ONCE):
        some = entries[start : start + HASHED_AT_ONCE]
        for entry, outcome in zip(some, await asyncio.gather(*(_hashed(platform, one) for one in some)), strict=True):
            if isinstance(outcome, FailedRow):
                result.failed.append(outcome)
            else:
                prepared.append(Prepared(entry, outcome))
    return prepared


async def _hashed(platform: Platform, entry: ExpectedDevice) -> str | FailedRow | None:
    """Return the hash of the password or of the one-time password; a row has one of them at most."""
    secret = (entry.password or entry.enrollment_otp) if isinstance(entry, DeviceRegistration) else None
    if secret is None:
        return None
    try:
        return await platform.passwords.hash(secret)
    except PasswordsBusyError as error:
        return FailedRow.of(entry, str(error))
