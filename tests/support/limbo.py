"""The client-certificate cases of the public x509-limbo suite, read from beside the checkout."""

import json
import lzma
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(os.environ.get("CERTINEL_VECTORS") or Path(__file__).resolve().parents[2].parent / "shared" / "vectors")
FILE = _FOLDER / "x509-limbo-client.json.xz" if _FOLDER.is_dir() else _FOLDER
WITHOUT_TIME = datetime(2026, 11, 23, tzinfo=UTC)

Case = Mapping[str, Any]


@cache
def cases() -> tuple[Case, ...]:
    """All cases, none when the vectors are not there."""
    if not FILE.exists():
        return ()
    with lzma.open(FILE) as file:
        return tuple(json.load(file)["testcases"])


def moment_of(case: Case) -> datetime:
    """When the chain of a case is to be judged."""
    return datetime.fromisoformat(case["validation_time"]) if case["validation_time"] else WITHOUT_TIME
