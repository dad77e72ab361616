"""Trusted certificates and their proofs on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.admin import Admin
from support.certificates import Issued, root_authority
from support.commands import shell
from support.node import TENANT, Node, started_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with started_node(tmp_path_factory.mktemp("node") / "data") as running:
        yield running


@pytest.fixture
def admin(node: Node, tmp_path: Path) -> Admin:
    return Admin(node, tmp_path)


@pytest.fixture
def plant(admin: Admin, tmp_path: Path) -> Iterator[Issued]:
    """A CA that is trusted, and whose key is at hand."""
    issued = root_authority("Plant CA")
    (tmp_path / "ca.pem").write_text(issued.pem)
    (tmp_path / "ca.key").write_bytes(issued.key_pem().encode())
    admin.done("trusted-certificate", "upload", tmp_path / "ca.pem")
    yield issued
    admin("trusted-certificate", "delete", issued.fingerprint, "--yes")


def shown(admin: Admin, issued: Issued) -> dict[str, object]:
    found: dict[str, object] = admin.json("trusted-certificate", "show", issued.fingerprint)
    return found


def test_upload_takes_the_common_name_as_name(admin: Admin, plant: Issued) -> None:
    assert (shown(admin, plant)["name"], shown(admin, plant)["status"]) == ("Plant CA", "ENABLED")


def test_several_files_are_uploaded_together_in_pem_and_der(admin: Admin, tmp_path: Path) -> None:
    first, second = root_authority("First CA"), root_authority("Second CA")
    (tmp_path / "first.pem").write_text(first.pem)
    (tmp_path / "second.der").write_bytes(second.der)
    files = (tmp_path / "first.pem", tmp_path / "second.der")
    admin.done("trusted-certificate", "upload", *files, "--status", "disabled", "--auto-registration")
    for issued, name in ((first, "First CA"), (second, "Second CA")):
        found = shown(admin, issued)
        facts = (found["name"], found["status"], found["autoRegistrationEnabled"])
        assert facts == (name, "DISABLED", True)


def test_if_one_of_several_is_refused_none_is_taken(admin: Admin, plant: Issued, tmp_path: Path) -> None:
    other = root_authority("Other CA")
    (tmp_path / "other.pem").write_text(other.pem)
    status, complaint = admin.refused("trusted-certificate", "upload", tmp_path / "other.pem", tmp_path / "ca.pem")
    assert (status, "409" in complaint) == (1, True)
    assert admin.refused("trusted-certificate", "show", other.fingerprint)[0] == 1


def test_certificate_is_found_by_name_and_by_the_first_digits(admin: Admin, plant: Issued) -> None:
    for reference in ("Plant CA", plant.fingerprint[:8], plant.fingerprint.upper()):
        assert admin.json("trusted-certificate", "show", reference)["fingerprint"] == plant.fingerprint


def test_unknown_certificate_ends_with_1(admin: Admin) -> None:
    assert admin.refused("trusted-certificate", "show", "Nobody's CA") == (
        1,
        "certinel: there is no trusted certificate Nobody's CA\n",
    )


def test_certificate_is_switched_and_renamed(admin: Admin, plant: Issued) -> None:
    admin.done("trusted-certificate", "disable", "Plant CA", "--yes")
    admin.done("trusted-certificate", "auto-registration", "Plant CA", "on")
    admin.done("trusted-certificate", "rename", "Plant CA", "Hall 3")
    found = shown(admin, plant)
    assert (found["status"], found["autoRegistrationEnabled"], found["name"]) == ("DISABLED", True, "Hall 3")
    admin.done("trusted-certificate", "enable", "Hall 3")
    assert shown(admin, plant)["status"] == "ENABLED"


def test_deleted_certificate_is_gone(admin: Admin, plant: Issued) -> None:
    admin.done("trusted-certificate", "delete", "Plant CA", "--yes")
    assert admin.refused("trusted-certificate", "show", plant.fingerprint)[0] == 1


def test_possession_is_proven_in_one_step(admin: Admin, plant: Issued, tmp_path: Path) -> None:
    admin.done("trusted-certificate", "prove", "Plant CA", "--key", tmp_path / "ca.key")
    assert shown(admin, plant)["proofOfPossessionValid"]


def test_upload_with_the_key_is_proven_at_once(admin: Admin, tmp_path: Path) -> None:
    issued = root_authority("Proven CA")
    (tmp_path / "proven.pem").write_text(issued.pem)
    (tmp_path / "proven.key").write_text(issued.key_pem())
    key = ("--key", tmp_path / "proven.key")
    assert admin.json("trusted-certificate", "upload", tmp_path / "proven.pem", *key)["proofOfPossessionValid"]


def test_possession_is_proven_with_openssl(admin: Admin, plant: Issued, tmp_path: Path) -> None:
    admin.done("trusted-certificate", "code", "Plant CA", "--output", tmp_path / "code.txt")
    shell("openssl dgst -sha256 -sign ca.key code.txt | openssl base64 -A > signed.txt", folder=tmp_path).succeeded()
    admin.done("trusted-certificate", "verify", "Plant CA", tmp_path / "signed.txt")
    assert shown(admin, plant)["proofOfPossessionValid"]


def test_new_code_makes_the_last_one_useless(admin: Admin, plant: Issued) -> None:
    first = admin.done("trusted-certificate", "code", "Plant CA")
    assert admin.done("trusted-certificate", "code", "Plant CA") == first
    assert admin.done("trusted-certificate", "code", "Plant CA", "--new") != first


def test_wrong_signature_ends_with_1(admin: Admin, plant: Issued, tmp_path: Path) -> None:
    (tmp_path / "signed.txt").write_text("bm90IGEgc2lnbmF0dXJl")
    status, complaint = admin.refused("trusted-certificate", "verify", "Plant CA", tmp_path / "signed.txt")
    assert (status, "400" in complaint) == (1, True)
    assert not shown(admin, plant)["proofOfPossessionValid"]


def test_management_confirms_by_hand_and_takes_it_back(admin: Admin, plant: Issued, node: Node, tmp_path: Path) -> None:
    management = Admin(node, tmp_path, user="management/admin")
    of = ("--tenant", TENANT, "--yes")
    management.done("trusted-certificate", "confirm", plant.fingerprint, *of)
    assert shown(admin, plant)["proofOfPossessionValid"]
    management.done("trusted-certificate", "withdraw", plant.fingerprint, *of)
    assert not shown(admin, plant)["proofOfPossessionValid"]


def test_file_that_is_no_certificate_ends_with_2(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("hello")
    assert admin.refused("trusted-certificate", "upload", tmp_path / "no.pem")[0] == 2


def test_table_fits_into_80_columns(admin: Admin, plant: Issued) -> None:
    output = admin.typed("trusted-certificate", "list").succeeded().output
    row = next(line for line in output.splitlines() if "Plant CA" in line)
    assert row.split() == [plant.fingerprint[:12], "Plant", "CA", "enabled", "before", "not", "proven", row.split()[-1]]
