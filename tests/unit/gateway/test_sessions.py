"""Live sessions are found by the names of those who can have a claim on them."""

import gc
from datetime import timedelta

from certinel.domain.admission import ConnectAttempt
from certinel.domain.errors import Refusal
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.gateway.sessions import MIN_ENDS_SWEPT, SessionIdentity, Sessions
from certinel.services.presence import Presence
from support.certificates import AT, VALID, root_authority
from support.clock import START, MovableClock
from support.trust import ACME, TrustWorld


class LiveSession:
    """A session without a connection."""

    def __init__(self, device: str, *names: bytes) -> None:
        self.identity = SessionIdentity(
            tenant=TenantId("t1000"),
            device=DeviceId(device),
            user_name=f"device_{device}",
            attempt=ConnectAttempt((), device),
            admission=None,
            names=frozenset(names),
        )
        self.is_taken_over = False

    def take_over(self) -> None:
        self.is_taken_over = True

    def withdraw(self, refusal: Refusal) -> None:
        raise NotImplementedError


def sessions_of_node(max_of_tenant: int = 100) -> Sessions:
    return Sessions(Presence(MovableClock()), max_of_tenant)


def test_session_is_found_by_each_of_its_names() -> None:
    sessions, one, other = sessions_of_node(), LiveSession("one", b"root", b"hall"), LiveSession("other", b"root")
    sessions.add(one)
    sessions.add(other)
    assert set(sessions.of_name(b"root")) == {one, other}
    assert sessions.of_name(b"hall") == [one]
    assert sessions.of_name(b"unknown") == []


def test_session_that_has_ended_is_not_found() -> None:
    sessions, one = sessions_of_node(), LiveSession("one", b"root")
    sessions.add(one)
    sessions.remove(one)
    assert sessions.of_name(b"root") == []


def test_session_that_was_taken_over_leaves_the_later_one_to_be_found() -> None:
    sessions, earlier, later = sessions_of_node(), LiveSession("one", b"root"), LiveSession("one", b"root")
    sessions.add(earlier)
    sessions.add(later)
    sessions.remove(earlier)
    assert earlier.is_taken_over
    assert sessions.of_name(b"root") == [later]


def test_others_see_which_devices_are_connected_and_since_when() -> None:
    clock = MovableClock()
    presence = Presence(clock)
    sessions, earlier, later = Sessions(presence, 100), LiveSession("one"), LiveSession("one")
    sessions.add(earlier)
    clock.move(timedelta(minutes=1))
    sessions.add(later)
    sessions.remove(earlier)
    assert presence.connected(TenantId("t1000")) == {"one": START + timedelta(minutes=1)}
    sessions.remove(later)
    assert presence.connected(TenantId("t1000")) == {}


def test_sessions_that_have_ended_do_not_pile_up() -> None:
    root, world, sessions = root_authority("Plant CA"), TrustWorld(), Sessions(Presence(MovableClock()), 100)
    world.trust(root, ACME)
    admission = world.admit(root.device("one"))
    for _ in range(3 * MIN_ENDS_SWEPT):
        session = LiveSession("one")
        session.identity.admission = admission
        sessions.add(session)
        sessions.remove(session)
    assert sum(isinstance(one, LiveSession) for one in gc.get_objects()) == 1
    assert len(sessions._ends) <= MIN_ENDS_SWEPT


def test_ends_of_paths_that_a_session_went_on_by_do_not_pile_up() -> None:
    root, world, sessions = root_authority("Plant CA"), TrustWorld(), sessions_of_node()
    world.trust(root, ACME)
    session, admission = LiveSession("one"), world.admit(root.device("one"))
    session.identity.admission = admission
    sessions.add(session)
    for _ in range(3 * MIN_ENDS_SWEPT):
        sessions.go_on(session, admission)
    assert len(sessions._ends) <= MIN_ENDS_SWEPT


def test_session_ends_with_the_path_that_it_goes_on_by() -> None:
    root, world, sessions = root_authority("Plant CA"), TrustWorld(), sessions_of_node()
    world.trust(root, ACME)
    session, end = LiveSession("one"), AT + timedelta(hours=1)
    session.identity.admission = world.admit(root.device("one"))
    sessions.add(session)
    sessions.go_on(session, world.admit(root.device("one", valid=(VALID[0], end))))
    assert sessions.expired(end) == []
    assert sessions.expired(end + timedelta(seconds=1)) == [session]
