"""Whose turn it is when more is to be done than the node can do at once.

Groups take turns, and within a group the networks of its members, so that whoever sends a thousand at once waits for
itself. Nothing is refused or forgotten here: who may come at all is decided elsewhere.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

Work = Callable[[], None]

AT_A_TIME = 8
"""Pieces of work between two looks at all sockets: handshakes take some 5 ms, then live sessions are served."""


class Turns:
    """Work of many connections, done in fair order, a few pieces at a time."""

    def __init__(self, at_a_time: int = AT_A_TIME) -> None:
        self._at_a_time = at_a_time
        self._waiting: OrderedDict[Hashable, OrderedDict[Hashable, deque[Work]]] = OrderedDict()
        self._done_in_round = 0
        self._is_round_due = False

    def take(self, group: Hashable, network: Hashable, work: Work) -> None:
        """Do ``work``, at once if nobody waits. When its turn comes it has to find out whether it is too late."""
        is_free = not self._waiting and self._done_in_round < self._at_a_time
        if is_free:
            self._done_in_round += 1
        else:
            self._waiting.setdefault(group, OrderedDict()).setdefault(network, deque()).append(work)
        if self._done_in_round == self._at_a_time:  # not before: a round for each piece of work would cost its own
            self._schedule_round()
        if is_free:
            work()

    def _schedule_round(self) -> None:
        if not self._is_round_due:
            self._is_round_due = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._is_round_due = False
        self._done_in_round = 0
        try:
            while self._waiting and self._done_in_round < self._at_a_time:
                self._done_in_round += 1
                self._next()()
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
