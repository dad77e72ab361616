"""The compact set of revoked serials."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.revoked_serials import RevokedSerials, issuer_digest, serial_octets

SINCE = 1_700_000_000
NAME = issuer_digest(b"CN=Plant CA")

serial_numbers = st.integers(min_value=-(2**168), max_value=2**168)


def holding(*serials: int, issuer: bytes = b"") -> RevokedSerials:
    made = RevokedSerials()
    made.update((serial_octets(serial), SINCE, issuer) for serial in serials)
    return made


@given(st.sets(serial_numbers, max_size=40), st.sets(serial_numbers, max_size=40))
def test_exactly_what_was_added_is_found(added: set[int], others: set[int]) -> None:
    serials = holding(*added)
    assert {one for one in added | others if serials.since(serial_octets(one)) is not None} == added


@given(st.sets(serial_numbers, max_size=60))
def test_what_was_stored_is_read_back(added: set[int]) -> None:
    read = RevokedSerials.from_bytes(holding(*added).to_bytes())
    assert len(read) == len(added)
    assert all(read.since(serial_octets(one)) == datetime.fromtimestamp(SINCE, UTC) for one in added)


def test_ten_thousand_serials_are_all_found_after_storing() -> None:
    read = RevokedSerials.from_bytes(holding(*range(10_000)).to_bytes())
    assert all(read.since(serial_octets(one)) is not None for one in range(10_000))
    assert not any(read.since(serial_octets(one)) is not None for one in range(10_000, 20_000))


def test_serial_takes_sixteen_bytes() -> None:
    assert len(holding(*range(1000)).to_bytes()) == 16_000


def test_serial_of_an_issuer_says_nothing_about_other_issuers() -> None:
    serials = holding(7, issuer=NAME)
    assert serials.since(serial_octets(7), NAME) is not None
    assert serials.since(serial_octets(7)) is None
    assert serials.since(serial_octets(7), issuer_digest(b"CN=Other CA")) is None


def test_first_date_of_a_serial_stays() -> None:
    serials = RevokedSerials()
    serials.add(b"\x07", 100)
    serials.add(b"\x07", 200)
    assert serials.since(b"\x07") == datetime.fromtimestamp(100, UTC)


def test_dates_beyond_what_fits_are_the_nearest_that_do() -> None:
    serials = RevokedSerials()
    serials.add(b"\x01", -5)
    serials.add(b"\x02", 2**40)
    assert serials.since(b"\x01") == datetime(1970, 1, 1, tzinfo=UTC)
    assert serials.since(b"\x02") == datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)


def test_serials_are_compared_as_numbers() -> None:
    assert [serial_octets(one) for one in (0, 127, 128, 255, 256, -1, -128)] == [
        b"\x00",
        b"\x7f",
        b"\x00\x80",
        b"\x00\xff",
        b"\x01\x00",
        b"\xff",
        b"\x80",
    ]
