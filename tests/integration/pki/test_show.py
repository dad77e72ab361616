"""``certinel pki show`` reads what the seed's recipe makes, and says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integration.pki.conftest import Toolkit
from support.commands import shell
from support.seed_recipe import STORE_PASSWORD, SeedRecipe

FIELDS = [
    "Version",
    "Serial number",
    "Issuer",
    "Not before",
    "Not after",
    "Subject",
    "Public key algorithm",
    "Subject public key",
    "Certificate signature algorithm",
    "Certificate signature",
    "Issuer unique identifier",
    "Subject unique identifier",
]


def shown(toolkit: Toolkit, file: Path | str, **environment: str) -> Any:
    return json.loads(toolkit.succeeds("show", file, "--json", **environment))


def test_every_field_of_version_3_is_shown(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    (answer,) = shown(toolkit, recipe.root.certificate)
    assert set(FIELDS) <= set(answer)
    assert answer["Self-signed"] == "yes"
    assert answer["findings"][0] == "good as trusted certificate"
    text = toolkit.succeeds("show", recipe.root.certificate)
    assert all(field in text for field in FIELDS)
    assert "CA:TRUE" in text


def test_chain_is_shown_whole(toolkit: Toolkit, recipe: SeedRecipe) -> None:
    answers = shown(toolkit, recipe.device_below_intermediate.chain)
    assert [answer["Self-signed"] for answer in answers] == ["no", "no", "yes"]
    assert "not as trusted certificate" in answers[0]["findings"][0]
    assert answers[0]["findings"][1] == "good as device certificate"


@pytest.mark.parametrize("name", ["deviceKeystore.pkcs12", "deviceKeystore.jks"])
def test_recipe_stores_are_read(toolkit: Toolkit, recipe: SeedRecipe, name: str) -> None:
    file = recipe.device.chain.with_name(name)
    assert len(shown(toolkit, file, CERTINEL_STORE_PASSPHRASE=STORE_PASSWORD)) == 2
    assert "wrong horse" not in toolkit.complains("show", file, CERTINEL_STORE_PASSPHRASE="wrong horse")


def test_revocation_list_is_shown(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    toolkit.succeeds("device", "pump-7")
    toolkit.succeeds("revoke", "pump-7")
    toolkit.succeeds("crl")
    assert len(shown(toolkit, "ca.crl")["revoked"]) == 1
    shell("openssl crl -in ca.crl -outform DER -out der.crl", folder=toolkit.folder).succeeded()
    assert "Revoked certificates" in toolkit.succeeds("show", "der.crl")


def test_der_certificate_is_shown(toolkit: Toolkit) -> None:
    toolkit.succeeds("ca", "Plant CA")
    shell("openssl x509 -in ca.pem -outform DER -out ca.der", folder=toolkit.folder).succeeded()
    assert len(shown(toolkit, "ca.der")) == 1


def test_file_with_nothing_to_show_is_refused(toolkit: Toolkit) -> None:
    (toolkit.folder / "empty").write_text("nothing")
    assert "no certificate" in toolkit.complains("show", "empty")
