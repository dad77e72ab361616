"""CAs, intermediates, devices and requests: openssl accepts what is made, and keys are kept safe."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from integration.pki.conftest import Toolkit
from support.commands import run, shell
from support.node import SOURCES
from support.program import started
from support.seed_recipe import CA_PASSWORD, INTERMEDIATE_PASSWORD, SeedRecipe

PASSPHRASE = "correct horse"


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


@pytest.mark.parametrize("key_type", ["ec-p256", "ec-p384", "rsa-2048"])
def test_openssl_verifies_a_device_below_an_intermediate(toolkit: Toolkit, key_type: str) -> None:
    toolkit.succeeds("ca", "Plant CA", "--key-type", key_type, "--pathlen", "1")
    toolkit.succeeds("intermediate", "Hall 3", "--key-type", key_type)
    toolkit.succeeds("device", "pump-7", "--ca", "intermediate.pem", "--key-type", key_type)
    line = "openssl verify -x509_strict -purpose sslclient -CAfile ca.pem -untrusted pump-7.pem pump-7.pem"
    shell(line, folder=toolkit.folder).succeeded()


def test_openssl_verifies_a_device_with_an_ed25519_key(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "pump-7", "--key-type", "ed25519")
    shell("openssl verify -CAfile ca.pem pump-7.pem", folder=toolkit.folder).succeeded()


def test_ca_with_an_ed25519_key_issues_and_revokes(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA", "--key-type", "ed25519", "--pathlen", "1")
    toolkit.succeeds("intermediate", "Hall 3", "--key-type", "ed25519")
    toolkit.succeeds("device", "pump-7", "--ca", "intermediate.pem", "--key-type", "ed25519")
    line = "openssl verify -x509_strict -purpose sslclient -CAfile ca.pem -untrusted pump-7.pem pump-7.pem"
    shell(line, folder=toolkit.folder).succeeded()
    toolkit.succeeds("device", "pump-8")
    toolkit.succeeds("revoke", "pump-8.pem")
    toolkit.succeeds("crl", "--out", "ca.crl")
    listed = "openssl verify -crl_check -CAfile ca.pem -CRLfile ca.crl pump-8.pem"
    assert "certificate revoked" in shell(listed, folder=toolkit.folder).text


def test_who_makes_a_ca_with_an_ed25519_key_is_warned_that_no_tenant_can_trust_it(toolkit: Toolkit) -> None:
    assert "cannot be a trusted certificate" in toolkit.succeeds("ca", "Plant CA", "--key-type", "ed25519")


def test_keys_are_for_their_owner_and_never_replaced_unasked(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    key = toolkit.folder / "ca.key"
    before = key.read_bytes()
    assert mode_of(key) == 0o600
    assert "--force" in toolkit.complains("ca", "Plant CA")
    assert key.read_bytes() == before
    toolkit.succeeds("ca", "Plant CA", "--force")
    assert key.read_bytes() != before
    assert mode_of(key) == 0o600


def test_encrypted_keys_open_with_their_passphrase_only(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA", "--encrypt", CERTINEL_PASSPHRASE=PASSPHRASE)
    assert "ENCRYPTED" in (toolkit.folder / "ca.key").read_text()
    (toolkit.folder / "secret").write_text(PASSPHRASE + "\n")
    toolkit.succeeds("device", "pump-1", "--ca-passphrase-file", "secret")
    toolkit.succeeds("device", "pump-2", text=PASSPHRASE + "\n")
    wrong = toolkit.complains("device", "pump-3", CERTINEL_CA_PASSPHRASE="wrong horse")
    assert "passphrase does not open it" in wrong
    assert "horse" not in wrong


def test_second_live_certificate_for_a_subject_is_refused_unless_told(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "pump-7")
    assert "still good" in toolkit.complains("device", "pump-7", "--force")
    toolkit.succeeds("device", "pump-7", "--force", "--another")


def test_devices_of_a_csv_file_are_all_made(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    (toolkit.folder / "fleet.csv").write_text("ID,TYPE\n" + "".join(f"pump-{n},x\n" for n in range(30)))
    toolkit.succeeds("device", "--csv", "fleet.csv", "--out-dir", "fleet")
    assert len(list((toolkit.folder / "fleet").glob("*.pem"))) == 30
    shell("openssl verify -CAfile ca.pem fleet/*.pem", folder=toolkit.folder).succeeded()


@pytest.mark.parametrize(
    "table", ["pump-1\npump-2\n", "ID;PATH\npump-1;Hall 3/Line\npump-2;Hall 3\n", "NAME\tID\n\tpump-1\n\tpump-2\n"]
)
def test_tables_are_read_as_bulk_registration_has_them(toolkit: Toolkit, table: str) -> None:
    toolkit.succeeds("ca", "Plant CA")
    (toolkit.folder / "fleet.csv").write_text(table)
    toolkit.succeeds("device", "--csv", "fleet.csv", "--out-dir", "fleet")
    assert {file.stem for file in (toolkit.folder / "fleet").glob("*.pem")} == {"pump-1", "pump-2"}


def test_table_without_a_column_of_names_is_refused(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    (toolkit.folder / "fleet.csv").write_text("COLOUR;WEIGHT\nred;3\n")
    assert "common_name" in toolkit.complains("device", "--csv", "fleet.csv")


def test_subject_in_the_form_of_openssl_keeps_its_order(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", r"/C=PL/O=Pumps\/Valves/CN=Plant CA")
    subject = shell("openssl x509 -in ca.pem -noout -subject", folder=toolkit.folder).succeeded().text
    assert subject.strip() == "subject=C = PL, O = Pumps/Valves, CN = Plant CA"
    assert "cannot be a subject" in toolkit.complains("ca", "/nothing", "--out", "other.pem")
    assert "it does not read CN=" in toolkit.complains("ca", "CN=Plant CA,FOO=b", "--out", "other.pem")


def test_missing_passphrase_is_told_where_nobody_can_be_asked(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA", "--encrypt", CERTINEL_PASSPHRASE=PASSPHRASE)
    assert "no passphrase was given" in toolkit.complains("device", "pump-1")


def test_no_device_is_made_when_one_name_of_many_is_unusable(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    (toolkit.folder / "fleet.csv").write_text("ID\npump-1\npump:2\n")
    assert "pump:2" in toolkit.complains("device", "--csv", "fleet.csv", "--out-dir", "fleet")
    assert not (toolkit.folder / "fleet").exists()


def test_run_of_many_that_failed_goes_on(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "pump-0")
    (toolkit.folder / "fleet.csv").write_text(f"pump-1\npump-2\n{'pump' * 15}\npump-4\n")
    words = ("device", "--csv", "fleet.csv", "--out-dir", "fleet")
    # as on a disk that is full: the chain of the third has no room, by a few bytes
    limit = (toolkit.folder / "pump-0.pem").stat().st_size + 20
    command = ("prlimit", f"--fsize={limit}", sys.executable, "-m", "certinel", "pki", *words)
    failed = run(*command, environment={"PYTHONPATH": str(SOURCES)})
    assert "too large" in failed.errors
    assert "2 of 4 devices were made" in failed.errors
    first = (toolkit.folder / "fleet/pump-1.pem").read_text()
    assert "still good" in toolkit.complains(*words)
    assert "2 devices made" in toolkit.succeeds(*words, "--continue")
    assert (toolkit.folder / "fleet/pump-1.pem").read_text() == first
    shell("openssl verify -CAfile ca.pem fleet/*.pem", folder=toolkit.folder).succeeded()
    assert "0 devices made" in toolkit.succeeds(*words, "--continue")


def test_run_of_many_that_was_killed_goes_on(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    (toolkit.folder / "fleet.csv").write_text("\n".join(f"pump-{number}" for number in range(1000)))
    words = ("device", "--csv", "fleet.csv", "--out-dir", "fleet")
    command = [sys.executable, "-m", "certinel", "pki", *words]
    with started(command, {"PYTHONPATH": str(SOURCES)}) as program:
        assert program.wait_until((toolkit.folder / "fleet/pump-3.pem").exists)
        program.process.kill()
    assert "devices made" in toolkit.succeeds(*words, "--continue")
    assert len(list((toolkit.folder / "fleet").glob("*.pem"))) == 1000
    assert (toolkit.folder / "ca.index.jsonl").read_text().count('"CN=pump-') == 1000


def test_key_that_an_interrupted_run_has_left_is_used(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("csr", "pump-1", "--out", "pump-1.csr")
    key = (toolkit.folder / "pump-1.key").read_text()
    (toolkit.folder / "fleet.csv").write_text("pump-1\n")
    assert "pump-1.key is there already" in toolkit.complains("device", "--csv", "fleet.csv")
    toolkit.succeeds("device", "--csv", "fleet.csv", "--continue")
    assert (toolkit.folder / "pump-1.key").read_text() == key
    keys = "openssl x509 -in pump-1.pem -noout -pubkey; openssl pkey -in pump-1.key -pubout"
    printed = shell(keys, folder=toolkit.folder).succeeded().text
    assert printed[: len(printed) // 2] == printed[len(printed) // 2 :]


def test_certificate_of_another_ca_is_in_the_way_of_going_on(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Other CA", "--out", "other.pem")
    toolkit.succeeds("device", "pump-1", "--ca", "other.pem")
    toolkit.succeeds("ca", "Plant CA")
    (toolkit.folder / "fleet.csv").write_text("pump-1\npump-2\n")
    assert "pump-1.pem is there already" in toolkit.complains("device", "--csv", "fleet.csv", "--continue")


def test_openssl_request_is_signed_and_ours_is_signed_by_openssl(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    shell(
        "openssl req -new -newkey rsa:2048 -nodes -keyout a.key -subj '/O=Plant/CN=pump-7' -out a.csr",
        folder=toolkit.folder,
    ).succeeded()
    toolkit.succeeds("sign", "a.csr", "--out", "a.pem")
    shell("openssl verify -CAfile ca.pem a.pem", folder=toolkit.folder).succeeded()
    toolkit.succeeds("csr", "pump-8", "--out", "b.csr")
    shell("openssl req -verify -noout -in b.csr", folder=toolkit.folder).succeeded()


def test_request_with_a_weak_key_is_not_signed(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    shell("openssl req -new -newkey rsa:1024 -nodes -keyout a.key -subj /CN=pump -out a.csr", folder=toolkit.folder)
    assert "1024" in toolkit.complains("sign", "a.csr", "--out", "a.pem")


def test_recipe_ca_issues_for_our_device(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    signer = recipe.copied_to(toolkit.folder / "recipe").intermediate
    words = ("device", "pump-9", "--ca", signer.certificate, "--ca-key", signer.key)
    toolkit.succeeds(*words, CERTINEL_CA_PASSPHRASE=INTERMEDIATE_PASSWORD)
    chain = f"openssl verify -CAfile {recipe.root.certificate} -untrusted pump-9.pem pump-9.pem"
    shell(chain, folder=toolkit.folder).succeeded()


def test_recipe_chain_is_put_into_order_and_found_sound(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    files = (recipe.root.certificate, recipe.device_below_intermediate.certificate, recipe.intermediate.certificate)
    answer = json.loads(toolkit.succeeds("chain", *files, "--out", "chain.pem", "--json"))
    assert [link["role"] for link in answer["chain"]] == ["DEVICE", "INTERMEDIATE", "TRUSTED"]
    assert (toolkit.folder / "chain.pem").read_text().count("BEGIN CERTIFICATE") == 3


def test_chain_with_a_gap_is_drawn_broken(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("intermediate", "Hall 3")
    toolkit.succeeds("device", "pump-7", "--ca", "intermediate.pem")
    shell("openssl x509 -in pump-7.pem -out leaf.pem", folder=toolkit.folder).succeeded()
    assert toolkit.run("chain", "leaf.pem").exit_code == 1


@pytest.mark.parametrize("key_type", ["ec-p256", "rsa-2048"])
def test_openssl_verifies_a_proof(toolkit: Toolkit, key_type: str) -> None:
    toolkit.succeeds("ca", "Plant CA", "--key-type", key_type)
    (toolkit.folder / "code").write_text("a verification code\n")
    (toolkit.folder / "proof").write_text(toolkit.succeeds("proof", "code"))
    shell(
        "openssl x509 -in ca.pem -pubkey -noout > public && openssl base64 -d -A -in proof > signature"
        " && openssl dgst -sha256 -verify public -signature signature code",
        folder=toolkit.folder,
    ).succeeded()


def test_proof_with_the_recipe_key_is_the_very_signature_of_openssl(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    (toolkit.folder / "code").write_text("a verification code")
    ours = toolkit.succeeds("proof", "code", "--key", recipe.root.key, CERTINEL_PASSPHRASE=CA_PASSWORD)
    line = f"openssl dgst -sha256 -sign {recipe.root.key} -passin env:P code | openssl base64 -A"
    theirs = shell(f"P='{CA_PASSWORD}' && export P && {line}", folder=toolkit.folder).succeeded().output
    assert ours.strip() == theirs.strip()
