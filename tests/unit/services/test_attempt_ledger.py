"""What counts as one attempt, and what becomes of too many."""

import tracemalloc
from datetime import datetime, timedelta

import pytest

from certinel.domain.admission import ConnectAttempt
from certinel.domain.connection_attempt import ADMITTED, Origin, Sighting
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.services.attempt_ledger import (
    MAX_OF_LEAF,
    MAX_SUMMARIES_OF_TENANT,
    MAX_UNOWNED_OF_NETWORK,
    MAX_UNOWNED_OF_TENANT,
    MAX_WAITING,
    MAX_WAITING_OF_TENANT,
    WINDOW,
    AttemptLedger,
    Entry,
    network_of,
)
from support.clock import START

T1, T2 = TenantId("t1"), TenantId("t2")


def sighting(
    tenant: TenantId = T1,
    code: str = "trust/disabled",
    *,
    leaf: bytes = b"leaf",
    client_id: str = "pump",
    address: str = "192.0.2.1",
) -> Sighting:
    return Sighting(tenant, code, None, ConnectAttempt((leaf,) if leaf else (), client_id), Origin(address))


def noted(*sightings: Sighting, is_owned: bool = True, ledger: AttemptLedger | None = None) -> list[Entry]:
    ledger = ledger or AttemptLedger()
    for one in sightings:
        ledger.note(one, START, is_owned=is_owned)
    return ledger.take()


def summaries(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.sighting is None]


def test_identical_attempts_are_one_that_is_counted() -> None:
    (entry,) = noted(sighting(), sighting(), sighting())
    assert entry.count == 3


@pytest.mark.parametrize(
    "other",
    [
        sighting(T2),
        sighting(code="trust/deleted"),
        sighting(leaf=b"other"),
        sighting(client_id="other"),
        sighting(address="192.0.2.2"),
    ],
)
def test_attempts_that_differ_are_different(other: Sighting) -> None:
    assert len(noted(sighting(), other)) == 2


def test_addresses_of_one_ipv6_network_are_one() -> None:
    assert len(noted(sighting(address="2001:db8::1"), sighting(address="2001:db8::ffff:2"))) == 1


def test_first_and_last_moment_are_kept() -> None:
    ledger = AttemptLedger()
    later = START + timedelta(minutes=5)
    for at in (START, later):
        ledger.note(sighting(), at, is_owned=True)
    (entry,) = ledger.take()
    assert (entry.first_at, entry.last_at) == (START, later)


def test_attempt_that_comes_again_after_it_was_stored_waits_again() -> None:
    ledger = AttemptLedger()
    (entry,) = noted(sighting(), ledger=ledger)
    entry.stored(17)
    entry.count = 0
    assert noted(sighting(), ledger=ledger) == [entry]
    assert (entry.id, entry.count) == (17, 1)


def test_entry_is_handed_out_once() -> None:
    ledger = AttemptLedger()
    assert len(noted(sighting(), ledger=ledger)) == 1
    assert ledger.take() == []


def test_entry_that_was_not_stored_is_handed_out_again() -> None:
    ledger = AttemptLedger()
    entries = noted(sighting(), ledger=ledger)
    ledger.put_back(entries)
    assert ledger.take() == entries


@pytest.mark.parametrize("at", [START + WINDOW, START - timedelta(seconds=1)])
def test_attempt_in_another_window_is_another_one(at: datetime) -> None:
    ledger = AttemptLedger()
    (first,) = noted(sighting(), ledger=ledger)
    ledger.note(sighting(), at, is_owned=True)
    assert ledger.take() != [first]


# ---- too many


def test_client_ids_of_one_certificate_are_summed_up_beyond_the_limit() -> None:
    entries = noted(*(sighting(client_id=f"pump-{number}") for number in range(MAX_OF_LEAF + 5)))
    assert len(entries) == MAX_OF_LEAF + 1
    assert [(entry.count, entry.address) for entry in summaries(entries)] == [(5, "192.0.2.1")]


def test_fleet_behind_one_address_is_seen_device_by_device() -> None:
    fleet = [sighting(leaf=f"leaf {number}".encode(), client_id=f"pump-{number}") for number in range(1000)]
    assert len(noted(*fleet)) == 1000


def test_strangers_from_one_address_are_summed_up_beyond_the_limit() -> None:
    strangers = [
        sighting(MANAGEMENT_TENANT, "chain/unknown-issuer", leaf=f"leaf {number}".encode()) for number in range(1000)
    ]
    entries = noted(*strangers, is_owned=False)
    assert len(entries) == MAX_UNOWNED_OF_NETWORK + 1
    assert sum(entry.count for entry in entries) == 1000


def test_one_kind_of_attempt_does_not_hide_another_from_the_same_address() -> None:
    ledger = AttemptLedger()
    many = (
        sighting(MANAGEMENT_TENANT, "tls/no-certificate", leaf=b"", client_id=f"c{number}") for number in range(500)
    )
    noted(*many, is_owned=False, ledger=ledger)
    (other,) = noted(sighting(MANAGEMENT_TENANT, "chain/unknown-issuer"), is_owned=False, ledger=ledger)
    assert other.sighting is not None


def test_strangers_from_everywhere_are_summed_up_beyond_the_limit() -> None:
    strangers = [
        sighting(T1, "password/wrong", leaf=b"", client_id=f"c{number}", address=f"10.{number >> 8}.{number & 255}.1")
        for number in range(5000)
    ]
    entries = noted(*strangers, is_owned=False)
    assert len(entries) <= MAX_UNOWNED_OF_TENANT + MAX_SUMMARIES_OF_TENANT + 1
    assert sum(entry.count for entry in entries) == 5000


def test_strangers_take_nothing_from_the_tenants_own_devices() -> None:
    ledger = AttemptLedger()
    strangers = (sighting(T1, "password/wrong", leaf=b"", client_id=f"c{number}") for number in range(5000))
    noted(*strangers, is_owned=False, ledger=ledger)
    (own,) = noted(sighting(leaf=b"own"), ledger=ledger)
    assert own.sighting is not None


def test_one_tenants_storm_leaves_room_for_another_tenant() -> None:
    ledger = AttemptLedger()
    for number in range(MAX_WAITING_OF_TENANT + 500):
        ledger.note(sighting(T1, ADMITTED, leaf=str(number).encode()), START, is_owned=True)
    ledger.note(sighting(T2), START, is_owned=True)
    entries = ledger.take()
    assert sum(entry.sighting is not None for entry in entries) == MAX_WAITING_OF_TENANT + 1
    assert [entry.count for entry in summaries(entries)] == [500]


def test_what_waits_is_bounded_and_nothing_goes_uncounted() -> None:
    ledger = AttemptLedger()
    for number in range(2 * MAX_WAITING):
        ledger.note(sighting(TenantId(f"t{number % 20}"), ADMITTED, leaf=str(number).encode()), START, is_owned=True)
    entries = ledger.take()
    assert len(entries) <= MAX_WAITING + 20
    assert sum(entry.count for entry in entries) == 2 * MAX_WAITING


def test_flood_of_the_largest_chains_takes_little_memory() -> None:
    ledger, largest = AttemptLedger(), 32 * 1024
    tracemalloc.start()
    try:
        for number in range(10_000):
            leaf = number.to_bytes(largest, "big")
            stranger = sighting(MANAGEMENT_TENANT, leaf=leaf, address=f"10.0.{number // 256}.{number % 256}")
            ledger.note(stranger, START, is_owned=False)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < (MAX_UNOWNED_OF_TENANT + 100) * largest


def test_accepted_devices_of_one_certificate_are_not_limited() -> None:
    entries = noted(*(sighting(code=ADMITTED, address=f"192.0.2.{number}") for number in range(100)))
    assert (len(entries), summaries(entries)) == (100, [])


def test_limits_start_anew_with_every_window() -> None:
    ledger = AttemptLedger()
    for at in (START, START + WINDOW):
        for number in range(MAX_OF_LEAF):
            ledger.note(sighting(client_id=f"pump-{number}"), at, is_owned=True)
    assert summaries(ledger.take()) == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("2001:db8::1", "2001:0db8:0000:0000"),
        ("fe80::1%eth0", "fe80:0000:0000:0000"),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
