"""The chain of hashes: what it notices."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.audit import (
    GENESIS,
    PLATFORM,
    Actor,
    ActorKind,
    AuditEntry,
    AuditRecord,
    AuditType,
    ChainHead,
    Change,
    broken_link,
    chained,
)
from certinel.domain.identifiers import TenantId
from certinel.domain.role import Principal, UserKind

T1 = TenantId("t1")
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENTRY = AuditEntry(
    tenant=T1,
    by=Actor(ActorKind.PERSON, "admin", T1),
    type=AuditType.TRUSTED_CERTIFICATES,
    source="4fd8df",
    activity="Trusted certificate updated on 't1'.",
    text="Status='DISABLED'",
    time=AT,
    recorded_at=AT,
    changes=(Change("status", "ENABLED", "DISABLED"), Change("name", None, "plant")),
)
FIRST = chained(ENTRY, ChainHead(T1))
SECOND = chained(ENTRY, FIRST.head)

OTHER_VALUES = {
    "tenant": "t2",
    "recorded_at": AT + timedelta(microseconds=1),
    "time": AT + timedelta(microseconds=1),
    "reported_by": "admin",
    "changes": (Change("status", "ENABLED", None),),
    "previous_hash": FIRST.hash,
}


def altered(record: AuditRecord, name: str) -> AuditRecord:
    return replace(record, **{name: OTHER_VALUES.get(name, "something else")})


def test_first_record_follows_nothing() -> None:
    assert (FIRST.sequence, FIRST.previous_hash) == (1, GENESIS)
    assert broken_link(FIRST, after=ChainHead(T1)) is None


def test_second_record_follows_the_first() -> None:
    assert SECOND.previous_hash == FIRST.hash
    assert broken_link(SECOND, after=FIRST.head) is None


def test_same_entry_twice_has_different_hashes() -> None:
    assert FIRST.hash != SECOND.hash


@pytest.mark.parametrize(
    "name", [field.name for field in fields(AuditRecord) if field.name not in {"sequence", "previous_hash", "hash"}]
)
def test_record_is_altered_whatever_of_it_is(name: str) -> None:
    assert broken_link(altered(FIRST, name), after=ChainHead(T1)) == "record 1 was altered"


def test_record_with_a_hash_of_its_own_making_does_not_fit_the_next_one() -> None:
    rewritten = replace(FIRST, text="Status='ENABLED'")
    rewritten = replace(rewritten, hash=rewritten.computed_hash())
    assert broken_link(rewritten, after=ChainHead(T1)) is None
    assert broken_link(SECOND, after=rewritten.head) == "record 2 does not follow record 1"


def test_missing_record_is_missed() -> None:
    assert broken_link(SECOND, after=ChainHead(T1)) == "record 1 is missing"


def test_record_twice_is_not_the_next_one() -> None:
    assert broken_link(FIRST, after=FIRST.head) == "record 2 is missing"


def test_hash_stays_what_it_was_in_every_version() -> None:
    assert FIRST.hash.hex() == "55368d30e884c42401a602a479fdff05b1511b9e8595a028f3a9cc00755617dd"


def test_moment_in_another_zone_is_the_same_moment() -> None:
    elsewhere = AT.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert chained(replace(ENTRY, time=elsewhere), ChainHead(T1)).hash == FIRST.hash


@given(st.lists(st.text(max_size=4), min_size=2, max_size=2), st.lists(st.text(max_size=4), min_size=2, max_size=2))
def test_texts_cannot_be_shifted_from_one_field_into_another(one: list[str], other: list[str]) -> None:
    records = [chained(replace(ENTRY, activity=activity, text=text), ChainHead(T1)) for activity, text in (one, other)]
    same = (records[0].activity, records[0].text) == (records[1].activity, records[1].text)
    assert (records[0].hash == records[1].hash) == same


@given(st.text(alphabet=st.characters(), max_size=20))
def test_any_text_becomes_one_that_can_be_stored(text: str) -> None:
    record = chained(replace(ENTRY, text=text), ChainHead(T1))
    assert "\0" not in record.text
    record.text.encode()


def test_user_of_the_tenant_itself_is_named_without_it() -> None:
    assert Actor(ActorKind.PERSON, "admin", T1).seen_from(T1) == "admin"


def test_user_of_another_tenant_is_named_with_it() -> None:
    assert Actor(ActorKind.PERSON, "admin", TenantId("management")).seen_from(T1) == "management/admin"


def test_platform_is_named_alike_everywhere() -> None:
    assert PLATFORM.seen_from(T1) == "system"


def test_device_that_calls_acts_as_a_device() -> None:
    principal = Principal(T1, "device_pump", UserKind.DEVICE, frozenset())
    assert Actor.of(principal) == Actor.of_device(T1, "device_pump")
