"""What it costs to record a refused connect, beside deciding on it; both are a matter of memory.

A stranger who comes for the first time, one who comes again, and one of so many behind one address that they are only
counted together. Deciding on certificates that were read a moment ago is the quickest there is. The quickest round of
many counts: others use the machine too.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from structlog.testing import capture_logs

from bench.connect import Figures
from certinel.domain.admission import ConnectAttempt
from certinel.domain.connection_attempt import Origin, Sighting
from certinel.domain.errors import Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.services.admission import judge
from certinel.services.clock import SystemClock
from certinel.services.platform import Platform
from certinel.storage.engine import Database
from support.certificates import root_authority
from support.platforms import started_platform

STRANGERS = 50
"""As many as are remembered as just read, and as many as an address has entries of its own."""
ROUNDS = 100


def measure(directory: Path, *, progress: Callable[[str], None]) -> dict[str, Figures]:
    """Microseconds for one attempt: deciding, recording."""
    return asyncio.run(_measure(directory, progress))


async def _measure(directory: Path, progress: Callable[[str], None]) -> dict[str, Figures]:
    progress("recording: making certificates")
    rounds = [_strangers(number) for number in range(11)]
    database = await Database.open(f"sqlite:///{directory / 'recording.db'}")
    try:
        await database.migrate()
        with capture_logs():
            platform = await started_platform(database, SystemClock())
        figures = {
            "first time": _figures(platform, [(f"192.0.2.{number}", one) for number, one in enumerate(rounds)]),
            "again": _figures(platform, [("192.0.2.10", rounds[10])] * ROUNDS),
            "one of many": _figures(platform, [("192.0.2.1", rounds[10])] * ROUNDS),
        }
    finally:
        await database.close()
    progress("recording: done")
    return figures


def _strangers(number: int) -> Sequence[ConnectAttempt]:
    return [
        ConnectAttempt(root_authority(f"CA {number}.{one}").device("pump").chain_der, "pump")
        for one in range(STRANGERS)
    ]


def _figures(platform: Platform, rounds: Sequence[tuple[str, Sequence[ConnectAttempt]]]) -> Figures:
    return {
        name: _quickest(partial(work, platform, address, strangers) for address, strangers in rounds)
        for name, work in (("deciding", _decide), ("recording", _record))
    }


def _decide(platform: Platform, _: str, strangers: Sequence[ConnectAttempt]) -> None:
    for attempt in strangers:
        judge(platform, attempt)


def _record(platform: Platform, address: str, strangers: Sequence[ConnectAttempt]) -> None:
    refusal = judge(platform, strangers[0])
    if not isinstance(refusal, Refusal):
        raise SystemExit("a stranger was admitted")
    origin = Origin(address, "TLSv1.3", "V5_0")
    for attempt in strangers:
        sighting = Sighting(MANAGEMENT_TENANT, refusal.code, refusal, attempt, origin)
        platform.connection_attempts.record(sighting, is_owned=False)


def _quickest(works: Iterable[Callable[[], None]]) -> float:
    taken = []
    for work in works:
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken) * 1_000_000 / STRANGERS
