"""Whose turn it is when more is to be done than the node can do at once.

Groups take turns, and within a group the networks of its members, so that whoever sends a thousand at once waits for
itself. Those who were only just accepted are heard first: else somebody would wait for its turn behind all who were
accepted a moment earlier. Nothing is refused or forgotten here: who may come at all is decided elsewhere.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from time import perf_counter

Work = Callable[[], None]

SECONDS_AT_A_TIME = 0.001
"""Of work between two looks at all sockets, which live sessions need, and whoever has only just been accepted: some two
handshakes. A look costs so little that longer rounds would not save a hundredth of a flood's work."""

ROUNDS_TO_HEAR = 3
"""Looks at all sockets between accepting a connection and what it says first, with either event loop."""

MAX_ROUNDS_LENT = 64
"""Rounds of accepting for which work stands back: a whole queue of the system's (1,024). In a flood that never ends,
accepting and work then take turns, so that neither keeps the other from going on."""


class Turns:
    """Work of many connections, done in fair order, for a short time at a time."""

    def __init__(self, seconds_at_a_time: float = SECONDS_AT_A_TIME) -> None:
        self._seconds_at_a_time = seconds_at_a_time
        self._waiting: OrderedDict[Hashable, OrderedDict[Hashable, deque[Work]]] = OrderedDict()
        self._spent_seconds = 0.0
        self._is_round_due = False
        self._rounds_to_hear = 0
        self._rounds_lent = 0

    def expect(self, newcomers: int) -> None:
        """Let work stand back until so many who were just accepted can have been heard.

        A newcomer that is alone, and finds nobody who waits, changes nothing: the next that comes would be as late.
        """
        if (newcomers > 1 or self._waiting) and self._rounds_lent < MAX_ROUNDS_LENT:
            if not self._rounds_to_hear:
                asyncio.get_running_loop().call_soon(self._hear)
            self._rounds_to_hear = ROUNDS_TO_HEAR

    def _hear(self) -> None:
        self._rounds_to_hear -= 1
        self._rounds_lent += bool(self._waiting)
        if self._rounds_to_hear:
            asyncio.get_running_loop().call_soon(self._hear)
        elif self._waiting:
            self._schedule_round()

    def take(self, group: Hashable, network: Hashable, work: Work) -> None:
        """Do ``work``, at once if nobody waits. When its turn comes it has to find out whether it is too late."""
        if self._is_round_due or self._waiting or self._rounds_to_hear:
            self._waiting.setdefault(group, OrderedDict()).setdefault(network, deque()).append(work)
        else:
            self._do(work)

    def _do(self, work: Work) -> None:
        begin = perf_counter()
        try:
            work()
        finally:
            self._spent_seconds += perf_counter() - begin
            if self._spent_seconds >= self._seconds_at_a_time:  # a round for each piece of work would cost its own time
                self._schedule_round()

    def _schedule_round(self) -> None:
        if not self._is_round_due:
            self._is_round_due = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._is_round_due = False
        self._spent_seconds = 0.0
        if self._rounds_to_hear:
            return
        self._rounds_lent = max(self._rounds_lent - 1, 0)
        try:
            while self._waiting and not self._is_round_due:
                self._do(self._next())
        finally:  # a mistake in one piece of work is the event loop's to log, and delays nobody else's
            if self._waiting:
                self._schedule_round()

    def _next(self) -> Work:
        group, networks = self._waiting.popitem(last=False)
        network, works = networks.popitem(last=False)
        work = works.popleft()
        if works:
            networks[network] = works
        if networks:
            self._waiting[group] = networks
        return work
