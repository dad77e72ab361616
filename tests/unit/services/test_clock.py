"""The clocks."""

from datetime import timedelta

from certinel.services.clock import Clock, SystemClock
from support.clock import START, MovableClock


def test_the_system_clock_tells_utc_with_its_zone() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_test_moves_the_movable_clock() -> None:
    movable = MovableClock()
    clock: Clock = movable
    movable.move(timedelta(hours=1))
    assert clock.now() == START + timedelta(hours=1)
