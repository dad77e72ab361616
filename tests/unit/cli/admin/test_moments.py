"""Moments as people type them."""

from datetime import UTC, datetime, timedelta

import pytest

from certinel.cli.admin.moments import moment_of
from certinel.cli.terminal import CommandError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30s", NOW - timedelta(seconds=30)),
        ("5m", NOW - timedelta(minutes=5)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T10:00+01:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
    ],
)
def test_moment_is_a_span_before_now_or_a_date(text: str, moment: datetime) -> None:
    assert moment_of(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2w", "-2h", "999999d", "2026-13-01", "0001-01-01T00:00+23:00"])
def test_what_is_no_moment_is_named(text: str) -> None:
    with pytest.raises(CommandError, match="not a span of time"):
        moment_of(text, NOW)
