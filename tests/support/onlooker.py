"""Somebody who watches a contested CA and compares all that the node says and does with the rules of trust."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from support.contested_ca import DEVICES, MODELLED_DEVICES, OPERATOR, TENANTS, Connect, ContestedCa, LiveSession
from support.ownership import NOBODYS, Ownership, Verdict

AS_CONFIGURED = tuple(Connect(device) for device in DEVICES)
MAX_TOKENS = 3
"""Of devices; the latest are tried at every look."""

Attempts = dict[str, Counter[tuple[str, str]]]
"""By tenant: how often which device was told what."""


def _no_attempts() -> Attempts:
    return {tenant: Counter() for tenant in TENANTS}


@dataclass
class Onlooker:
    """Has devices connect, keeps their sessions and tokens, and knows what became of every attempt."""

    ca: ContestedCa
    model: Ownership
    live: dict[tuple[str, str], LiveSession] = field(default_factory=dict)
    seen: dict[Connect, Verdict] = field(default_factory=dict)
    """What the operator was told of the devices at the last look."""
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The latest ones, with tenant and device."""
    sent_for_tokens: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    attempts: Attempts = field(default_factory=_no_attempts)
    attempts_since: datetime = field(init=False)
    untouchable: dict[Connect, Verdict] = field(default_factory=dict)
    """Devices, and what became of them, that the tenant that acts just now must not touch."""
    untouchable_sessions: list[LiveSession] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.attempts_since = self.model.at

    def let_time_pass(self, by: timedelta) -> None:
        self.ca.node.clock.move(by)
        self.model.at = self.ca.node.clock.now()

    def forget_attempts(self) -> None:
        """Expect only those from now on to be listed: the node forgets them, too, after a month."""
        self.attempts, self.attempts_since = _no_attempts(), self.model.at

    def watch_act_of(self, tenant: str) -> None:
        """Note what an act of this tenant must not touch: devices to which it is an outsider."""
        if tenant == OPERATOR:
            return
        self.untouchable = {
            connect: verdict
            for connect, verdict in self.seen.items()
            if verdict.code != NOBODYS
            and tenant not in verdict.told
            and self.model.is_outsider(tenant, connect.modelled)
        }
        self.untouchable_sessions = [
            session
            for session in self.live.values()
            if session.tenant != tenant and self.model.is_outsider(tenant, session.connect.modelled)
        ]

    def look_away(self) -> None:
        """Expect nothing of the act that was watched: who holds the key is no outsider."""
        self.untouchable, self.untouchable_sessions = {}, []

    def look(self) -> None:
        """Compare: whose device it is, which sessions are left, which tokens are good."""
        self.seen = self._told_to_the_operator()
        assert self.seen == {connect: self.model.verdict(connect.modelled) for connect in AS_CONFIGURED}
        for connect, verdict in self.untouchable.items():
            assert self.seen[connect] == verdict, "an outsider has moved a device"
        for session in list(self.live.values()):
            self._look_at_session(session)
        for token, (tenant, device) in self.tokens.items():
            self._look_at_token(token, tenant, device)
        self.look_away()

    def _told_to_the_operator(self) -> dict[Connect, Verdict]:
        return {connect: self.ca.explained(OPERATOR, connect) for connect in AS_CONFIGURED}

    def _look_at_session(self, session: LiveSession) -> None:
        if self.model.verdict(session.connect.modelled).owner == session.tenant:
            assert self.ca.is_alive(session)
        else:
            assert session not in self.untouchable_sessions, "an outsider has ended a session"
            assert self.ca.has_ended(session)
            del self.live[session.key]

    def _look_at_token(self, token: str, tenant: str, device: str) -> None:
        # one token can have been given to a device that sent its CAs, and again when it did not
        ways = [Connect(device, sent, named=tenant) for sent in self.sent_for_tokens[tenant, device]]
        may = {self.model.verdict(connect.modelled).owner == tenant for connect in ways}
        if len(may) == 1:
            assert self.ca.accepts_token(token) == may.pop()

    def connect(self, connect: Connect) -> None:
        """Let a device connect: its owner lets it in, or it is refused."""
        verdict = self.model.verdict(connect.modelled)
        session, name = self.ca.connect(connect), MODELLED_DEVICES[connect.device].name
        for tenant in verdict.told:
            self.attempts[tenant][verdict.code, name] += 1
        assert (session.tenant if session is not None else None) == verdict.owner
        if session is not None:
            self.model.device_users.setdefault(session.key, True)
            earlier = self.live.pop(session.key, None)
            assert earlier is None or self.ca.has_ended(earlier)
            self.live[session.key] = session
            self._keep_token(session)

    def _keep_token(self, session: LiveSession) -> None:
        holder = session.tenant, session.connect.device
        self.sent_for_tokens.setdefault(holder, set()).add(session.connect.sent)
        self.tokens.pop(session.token, None)
        self.tokens[session.token] = holder
        if len(self.tokens) > MAX_TOKENS:
            del self.tokens[next(iter(self.tokens))]

    def restart_node(self) -> None:
        """Everything is as it was, what was told is listed with its owners, and the devices come back."""
        sessions = list(self.live.values())
        self.live.clear()
        self.ca.restart()
        assert self._told_to_the_operator() == self.seen
        for tenant in set(TENANTS) - self.model.suspended:
            assert self.ca.attempts(tenant, self.attempts_since) == self.attempts[tenant]
        for session in sessions:
            assert self.ca.has_ended(session)
            self.connect(session.connect)

    def leave(self) -> None:
        """Hang up."""
        for session in self.live.values():
            self.ca.node.run(session.open.aclose())
