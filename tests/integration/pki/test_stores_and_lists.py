"""Stores that Java reads, revocation lists that openssl takes, and settings that clients take."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from certinel.cli.pki.serve_config import Client
from integration.pki.conftest import Toolkit
from support.commands import shell
from support.seed_recipe import DEVICE_PASSWORD, SeedRecipe

STORE = {"CERTINEL_STORE_PASSPHRASE": "password-of-stores"}
LIST = "keytool -list -storepass password-of-stores -keystore"


@pytest.fixture
def pump(toolkit: Toolkit) -> Toolkit:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "pump-7")
    return toolkit


@pytest.mark.parametrize(("kind", "ending"), [("pkcs12", "p12"), ("jks", "jks")])
def test_keytool_finds_key_and_chain_in_a_key_store(pump: Toolkit, kind: str, ending: str) -> None:
    pump.succeeds("keystore", "pump-7.pem", "--type", kind, **STORE)
    file = pump.folder / f"pump-7.{ending}"
    listed = shell(f"{LIST} {file} -v", folder=pump.folder).succeeded().text
    assert "devicekeyentry" in listed
    assert "Certificate chain length: 2" in listed
    assert f"Keystore type: {kind.upper()}" in listed
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["pkcs12", "jks"])
def test_trust_store_grows_by_new_aliases_only(pump: Toolkit, kind: str) -> None:
    words = ("truststore", "ca.pem", "--out", "trust", "--type", kind)
    pump.succeeds(*words, **STORE)
    assert "already" in pump.complains(*words, **STORE)
    pump.succeeds(*words, "--alias", "second", **STORE)
    listed = shell(f"{LIST} trust", folder=pump.folder).succeeded().text
    assert "servercertificate" in listed
    assert "second" in listed
    assert listed.count("trustedCertEntry") == 2


def test_store_with_a_key_takes_a_trusted_certificate_too(pump: Toolkit) -> None:
    pump.succeeds("keystore", "pump-7.pem", **STORE)
    pump.succeeds("truststore", "ca.pem", "--out", "pump-7.p12", **STORE)
    listed = shell(f"{LIST} pump-7.p12", folder=pump.folder).succeeded().text
    assert "PrivateKeyEntry" in listed
    assert "trustedCertEntry" in listed
    assert (pump.folder / "pump-7.p12").stat().st_mode & 0o777 == 0o600


def test_wrong_store_passphrase_is_told_and_not_shown(pump: Toolkit) -> None:
    pump.succeeds("truststore", "ca.pem", **STORE)
    said = pump.complains("truststore", "ca.pem", "--alias", "b", CERTINEL_STORE_PASSPHRASE="something else")
    assert "does not open" in said
    assert "something else" not in said


def test_recipe_files_make_a_key_store(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    device = recipe.device_below_intermediate
    words = ("keystore", device.chain, "--key", device.key, "--out", "recipe.p12")
    toolkit.succeeds(*words, CERTINEL_PASSPHRASE=DEVICE_PASSWORD, **STORE)
    listed = shell(f"{LIST} recipe.p12 -v", folder=toolkit.folder).succeeded().text
    assert "Certificate chain length: 3" in listed


def verdict_with_list(folder: Path) -> str:
    return shell("openssl verify -crl_check -CAfile ca.pem -CRLfile ca.crl pump-7.pem", folder=folder).text


def test_openssl_refuses_what_is_on_the_list_and_nothing_else(pump: Toolkit) -> None:
    pump.succeeds("crl")
    assert "pump-7.pem: OK" in verdict_with_list(pump.folder)
    pump.succeeds("revoke", "pump-7", "--reason", "keyCompromise")
    pump.succeeds("crl")
    assert "certificate revoked" in verdict_with_list(pump.folder)
    text = shell("openssl crl -in ca.crl -noout -text", folder=pump.folder).succeeded().text
    assert "Key Compromise" in text


@pytest.mark.parametrize("file", ["ca.key", "pump-7.pem"])
def test_list_replaces_lists_only(pump: Toolkit, file: str) -> None:
    before = (pump.folder / file).read_bytes()
    assert "no revocation list" in pump.complains("crl", "--out", file)
    assert (pump.folder / file).read_bytes() == before


def test_revoked_device_gets_a_new_certificate_without_being_told(pump: Toolkit) -> None:
    pump.succeeds("revoke", "pump-7.pem")
    assert "revoked already" in pump.complains("revoke", "pump-7.pem")
    assert "revoked already" in pump.complains("revoke", "pump-7")
    pump.succeeds("device", "pump-7", "--force")


def test_recipe_device_can_be_revoked_by_its_file(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    copy = recipe.copied_to(toolkit.folder / "recipe")
    toolkit.succeeds("revoke", recipe.device.certificate, "--ca", copy.root.certificate)
    stranger = recipe.device_below_intermediate.certificate
    assert "has not issued" in toolkit.complains("revoke", stranger, "--ca", copy.root.certificate)


@pytest.mark.parametrize("client", list(Client))
def test_settings_name_the_client_id_and_the_files(toolkit: Toolkit, client: Client) -> None:
    printed = toolkit.succeeds("serve-config", client, "pump-7", "--host", "iot.example.com")
    assert "iot.example.com" in printed
    assert "$" not in printed
    if client not in {Client.THIN_EDGE, Client.MQTT_FX}:  # these take the bare name
        assert "d:pump-7" in printed


@pytest.mark.parametrize("client", [Client.MOSQUITTO, Client.THIN_EDGE])
def test_settings_for_a_shell_are_one_word_each_whatever_the_name_of_the_folder(
    toolkit: Toolkit, client: Client
) -> None:
    place = ("--chain", "it's here/pump.pem", "--server-ca", "it's $HOME/ca.pem")
    printed = toolkit.succeeds("serve-config", client, "pump", *place)
    words = shlex.split(printed, comments=True)
    assert str(toolkit.folder / "it's here/pump.pem") in words
    assert str(toolkit.folder / "it's $HOME/ca.pem") in words


def test_settings_name_the_files_that_are_made_for_a_device(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "hall 3/pump")
    printed = toolkit.succeeds("serve-config", "mqtt.fx", "hall 3/pump")
    named = [line.split()[-1] for line in printed.splitlines() if "Client" in line and " file" in line]
    assert all(Path(file).is_file() for file in named)
    assert len(named) == 2
