"""The certificates of a simulated fleet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidSignature

from certinel.pki.authority import Validity, distinguished_name, make_ca
from certinel.pki.keys import generate_key
from certinel.simulation.fleet import FleetMaker, Identity
from certinel.simulation.plan import Fault, Plan
from support.clock import START

CA = make_ca(distinguished_name("Plant CA"), generate_key(), Validity.of_days(30, at=START))


def made(fault: Fault | None = None, devices: int = 4) -> list[Identity]:
    """A fleet of which all have the fault, or none."""
    shares = {fault: 100.0} if fault is not None else {}
    plan = Plan(devices=devices, times=1, fault_percent=shares)
    return list(FleetMaker(plan, CA, [CA.certificate], START))


def test_every_device_has_a_certificate_and_a_key_of_its_own() -> None:
    fleet = made(devices=20)
    assert len({one.certificate.serial_number for one in fleet}) == 20
    assert len({one.certificate.public_key().public_numbers() for one in fleet}) == 20  # type: ignore[union-attr]
    assert all(one.certificate.public_key() == one.key.public_key() for one in fleet)


def test_healthy_device_is_issued_by_the_ca_says_its_name_and_ends_within_a_day() -> None:
    for one in made():
        one.certificate.verify_directly_issued_by(CA.certificate)
        assert one.client_id == f"d:{one.name}"
        assert START < one.certificate.not_valid_after_utc <= START + timedelta(days=1)


def test_expired_device_was_good_until_yesterday() -> None:
    assert all(one.certificate.not_valid_after_utc < START for one in made(Fault.EXPIRED))


def test_wrong_name_is_in_the_client_id_alone() -> None:
    for one in made(Fault.WRONG_NAME):
        one.certificate.verify_directly_issued_by(CA.certificate)
        assert one.client_id != f"d:{one.name}"


def test_unknown_ca_is_another_one_and_presented() -> None:
    for one in made(Fault.UNKNOWN_CA):
        one.certificate.verify_directly_issued_by(one.above[0])
        with pytest.raises((InvalidSignature, ValueError)):
            one.certificate.verify_directly_issued_by(CA.certificate)


def test_key_does_not_show_in_the_repr() -> None:
    assert "key=" not in repr(made()[0])


def test_ca_that_ends_today_issues_for_no_longer() -> None:
    ca = make_ca(
        distinguished_name("Old CA"), generate_key(), Validity(START - timedelta(days=9), START + timedelta(hours=1))
    )
    (one,) = FleetMaker(Plan(devices=1, times=1), ca, [ca.certificate], START)
    assert one.certificate.not_valid_after_utc == ca.certificate.not_valid_after_utc
