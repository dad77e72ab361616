"""Devices, their registration in bulk, and revocation, on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from integration.clients.test_command_line_tools import mosquitto
from support.admin import Admin
from support.certificates import DeviceFiles, Issued, root_authority
from support.commands import run, shell
from support.node import Node, eventually, started_node

NUMBERS = count(1)


@pytest.fixture(scope="module")
def fleet() -> Issued:
    return root_authority("Example Fleet CA")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, fleet: Issued) -> Iterator[Node]:
    """A node that checks what is revoked."""
    with started_node(tmp_path_factory.mktemp("node") / "data") as running:
        running.upload(fleet.pem)
        running.call("PUT", "/tenant/options/configuration/crl.offline.check.enabled", {"value": "true"})
        yield running


@pytest.fixture
def admin(node: Node, tmp_path: Path) -> Admin:
    return Admin(node, tmp_path)


@pytest.fixture
def pump(admin: Admin, fleet: Issued, tmp_path: Path) -> DeviceFiles:
    """A device that was here; every test has its own."""
    device = DeviceFiles.of(fleet.device(f"pump-{next(NUMBERS)}"), tmp_path)
    mosquitto("pub", admin.node, device, "-t", "s/us", "-m", "211,20").succeeded()
    eventually(lambda: "certificate" in admin.json("device", "show", device.common_name))
    return device


def is_let_in(admin: Admin, device: DeviceFiles) -> bool:
    return mosquitto("pub", admin.node, device, "-t", "s/us", "-m", "211,20").status == 0


def test_device_is_listed_with_its_certificate(admin: Admin, pump: DeviceFiles) -> None:
    found = admin.json("device", "list", "--search", pump.common_name)
    assert [one["id"] for one in found] == [pump.common_name]
    row = admin.typed("device", "list", "--search", pump.common_name).succeeded().output.splitlines()[1]
    assert found[0]["certificate"]["fingerprint"][:12] in row


def test_device_is_disabled_and_enabled(admin: Admin, pump: DeviceFiles) -> None:
    admin.done("device", "disable", pump.common_name, "--yes")
    assert not is_let_in(admin, pump)
    admin.done("device", "enable", pump.common_name)
    assert is_let_in(admin, pump)


def test_revoked_device_stays_out(admin: Admin, pump: DeviceFiles) -> None:
    serial = admin.json("device", "show", pump.common_name)["certificate"]["serialNumberHex"]
    admin.done("device", "revoke", pump.common_name, "--yes")
    assert not is_let_in(admin, pump)
    assert serial in admin.done("revocation", "list")


def test_deleted_device_is_gone(admin: Admin, pump: DeviceFiles) -> None:
    admin.done("device", "delete", pump.common_name, "--yes")
    assert admin.refused("device", "show", pump.common_name)[0] == 1


def test_rehearsal_names_who_would_lose_access(admin: Admin, pump: DeviceFiles) -> None:
    losing = admin.json("trusted-certificate", "rehearse", "fleet", "disable")
    assert pump.common_name in [one["device"] for one in losing]
    serial = admin.json("device", "show", pump.common_name)["certificate"]["serialNumberHex"]
    assert [one["device"] for one in admin.json("revocation", "rehearse", serial, "--devices")] == [pump.common_name]


def test_question_before_a_deletion_counts_who_would_lose_access(admin: Admin, pump: DeviceFiles) -> None:
    asked = admin.typed("trusted-certificate", "delete", "fleet", replies=[("[y/N]: ", "n")])
    assert ("Would lose access: " in asked.output, asked.status) == (True, 1)


def test_certificate_is_revoked_from_its_file(admin: Admin, fleet: Issued, tmp_path: Path) -> None:
    device = DeviceFiles.of(fleet.device("never-seen"), tmp_path)
    admin.done("revocation", "add", "--certificate", device.chain, "--yes")
    assert not is_let_in(admin, device)


def test_serial_numbers_are_revoked_from_a_file(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "stolen.csv").write_text("SERIALNO,DATE\nabc123,2023-01-11T16:12:36.288Z\n")
    admin.done("revocation", "import", tmp_path / "stolen.csv", "--yes")
    assert "abc123" in [one["serialNumberInHex"] for one in admin.json("revocation", "list")]


def test_serial_alone_shows_first_what_it_hits(admin: Admin, pump: DeviceFiles, tmp_path: Path) -> None:
    serial = admin.json("device", "show", pump.common_name)["certificate"]["serialNumberHex"]
    hit = f"({pump.common_name})"
    asked = admin.typed("revocation", "add", "--serial", serial, replies=[("[y/N]: ", "n")])
    assert (asked.status, asked.output.index(hit) < asked.output.index("[y/N]")) == (1, True)
    (tmp_path / "hit.csv").write_text(f"SERIALNO,DATE\n{serial},\n")
    assert hit in admin("revocation", "import", tmp_path / "hit.csv", "--yes").succeeded().errors
    assert (
        "No certificate that is known here is hit." in admin("revocation", "add", "--serial", "c0ffee", "--yes").errors
    )


def test_signed_list_is_read_by_openssl(admin: Admin, tmp_path: Path) -> None:
    admin.done("revocation", "add", "--serial", "beef", "--yes")
    admin.done("revocation", "download", "--output", tmp_path / "own.crl", "--issuer", tmp_path / "issuer.der")
    assert "BEEF" in shell("openssl crl -inform DER -in own.crl -noout -text", folder=tmp_path).succeeded().output


def test_list_of_a_ca_is_uploaded_shown_and_forgotten(admin: Admin, tmp_path: Path) -> None:
    certinel = Path(sys.executable).with_name("certinel")
    run(certinel, "pki", "ca", "Listed CA", "--out", "listed.pem", folder=tmp_path).succeeded()
    run(certinel, "pki", "crl", "--ca", "listed.pem", "--out", "listed.crl", folder=tmp_path).succeeded()
    admin.done("trusted-certificate", "upload", tmp_path / "listed.pem")
    stored = admin.json("revocation-list", "upload", tmp_path / "listed.crl")
    assert "Listed CA" in admin.done("revocation-list", "list")
    admin.done("revocation-list", "download", stored["id"], "--output", tmp_path / "again.crl")
    admin.done("revocation-list", "delete", stored["id"], "--yes")
    assert "Listed CA" not in admin.done("revocation-list", "list")


def test_fleet_of_several_parts_is_registered_and_failed_rows_are_named_by_their_line(
    admin: Admin, tmp_path: Path
) -> None:
    rows = [f"bulk-{number};CERTIFICATES;Pump {number}" for number in range(2100)]
    rows[2050] = "bulk-2050;CERTIFICATES"
    (tmp_path / "fleet.csv").write_text("\n".join(["ID;AUTH_TYPE;NAME", *rows, ""]))
    outcome = admin("device", "register", tmp_path / "fleet.csv")
    assert (outcome.status, "2099 of 2100 devices are registered" in outcome.output) == (1, True)
    assert "2052  bulk-2050  Line 2052 has 2 fields" in outcome.output


def test_same_file_again_updates_and_ends_with_0(admin: Admin) -> None:
    table = ["ID,AUTH_TYPE", "again-1,CERTIFICATES"]
    assert "new      1" in admin.done("device", "register", "-", answers=table)
    assert "updated  1" in admin.done("device", "register", "-", answers=table)


def test_progress_is_shown_to_people_only(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("ID,AUTH_TYPE\nseen-1,CERTIFICATES\n")
    assert "1/1" in admin.typed("device", "register", tmp_path / "one.csv").succeeded().output
    assert admin("device", "register", tmp_path / "one.csv").succeeded().errors == ""


def test_file_that_is_no_table_is_refused_before_anything_is_sent(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_bytes("ID\nx\n".encode("utf-16"))
    status, complaint = admin.refused("device", "register", tmp_path / "wide.csv")
    assert (status, "bulk-registration/unusable-table" in complaint) == (1, True)


def test_file_without_ids_is_refused_with_the_words_of_the_node(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "no-ids.csv").write_text("NAME\nx\n")
    status, complaint = admin.refused("device", "register", tmp_path / "no-ids.csv")
    assert (status, "no column ID" in complaint) == (1, True)


def test_device_with_a_password_is_expected_and_given_up(admin: Admin) -> None:
    admin.done("device-request", "create", "expected-1", "--type", "pump")
    assert "waiting for connection" in admin.done("device-request", "list")
    assert admin.refused("device-request", "accept", "expected-1")[0] == 1
    admin.done("device-request", "delete", "expected-1", "--yes")
    assert admin.refused("device-request", "show", "expected-1")[0] == 1
