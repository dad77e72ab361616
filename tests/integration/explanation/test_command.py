"""``certinel explain`` without a platform: the chain judged alone, drawn, or as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from certinel.cli import app
from certinel.cli.terminal import CommandError
from certinel.domain.errors import Code
from certinel.domain.pem import armoured
from certinel.pki.keystore import make_keystore
from integration.explanation.conftest import SceneMaker
from support.certificates import EXPIRED, Issued, pem_of, root_authority, self_signed_device
from support.ways_to_fail import WAYS, WayToFail

NOON = "2026-11-23T12:00Z"
ROOT = root_authority("Plant CA")
HALL = ROOT.authority("Hall 3")
PUMP = HALL.device("pump-7")


def explain(*words: str | Path, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["explain", *(str(word) for word in words), "--at", NOON], input=text)


def explained(*words: str | Path, status: int = 0) -> Any:
    result = explain(*words, "--json")
    assert result.exit_code == status, result.output
    return json.loads(result.output)


def complaint(*words: str | Path) -> str:
    """What is said when there can be no verdict."""
    result = explain(*words)
    assert isinstance(result.exception, CommandError)
    assert result.exception.exit_code == 2
    return str(result.exception)


def file_of(folder: Path, *certificates: Issued) -> Path:
    file = folder / "chain.pem"
    file.write_text(pem_of(*certificates))
    return file


class TestForms:
    def test_pem_with_a_key_and_text_around(self, tmp_path: Path) -> None:
        file = tmp_path / "all.pem"
        file.write_text(f"Bag Attributes\n{PUMP.key_pem()}subject=pump\n{PUMP.chain_pem}")
        assert explained(file)["device"] == "pump-7"

    def test_der_holds_one_certificate(self, tmp_path: Path) -> None:
        file = tmp_path / "pump.der"
        file.write_bytes(PUMP.der)
        assert explained(file, status=1)["missingIssuer"] == "CN=Hall 3, O=Example"

    def test_key_store_holds_the_chain(self, tmp_path: Path) -> None:
        file = tmp_path / "pump.p12"
        chain = [one.certificate for one in PUMP.chain]
        file.write_bytes(make_keystore(PUMP.key, chain, "correct horse"))  # type: ignore[arg-type]
        assert explained(file, "--passphrase", "correct horse")["device"] == "pump-7"
        assert "--passphrase" in complaint(file)
        assert "does not open" in complaint(file, "--passphrase", "wrong horse")

    def test_standard_input_is_read_for_a_hyphen(self) -> None:
        result = explain("-", text=PUMP.chain_pem)
        assert result.exit_code == 0, result.output

    @pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMIIB"])
    def test_file_without_a_certificate_is_no_question(self, tmp_path: Path, content: str) -> None:
        file = tmp_path / "chain.pem"
        file.write_text(content)
        assert "no certificate in it, or one is cut off" in complaint(file)

    def test_file_that_is_not_there_is_no_question(self, tmp_path: Path) -> None:
        assert "No such file" in complaint(tmp_path / "chain.pem")

    def test_damaged_der_is_explained(self, tmp_path: Path) -> None:
        file = tmp_path / "pump.der"
        file.write_bytes(PUMP.der[:-1])
        assert explained(file, status=1)["refusal"]["code"] == "certificate/malformed"


class TestTrust:
    def test_end_of_the_chain_is_taken_as_trusted(self, tmp_path: Path) -> None:
        chain = explained(file_of(tmp_path, *PUMP.chain))["chain"]
        assert [link["role"] for link in chain] == ["DEVICE", "INTERMEDIATE", "TRUSTED"]

    def test_order_after_the_first_does_not_matter(self, tmp_path: Path) -> None:
        chain = explained(file_of(tmp_path, PUMP, ROOT, HALL))["chain"]
        assert [link["position"] for link in chain] == [1, 3, 2]

    def test_issuer_may_be_given_instead(self, tmp_path: Path) -> None:
        root = tmp_path / "root.pem"
        root.write_text(ROOT.pem)
        chain = explained(file_of(tmp_path, PUMP, HALL), "--trusted", root)["chain"]
        assert [link["certificate"]["subject"] for link in chain][-1] == "CN=Plant CA, O=Example"

    def test_given_ones_replace_the_end_of_the_chain(self, tmp_path: Path) -> None:
        other = tmp_path / "other.pem"
        other.write_text(root_authority("Another CA").pem)
        answer = explained(file_of(tmp_path, *PUMP.chain), "--trusted", other, status=1)
        assert answer["refusal"]["code"] == "chain/unknown-issuer"
        assert answer["refusal"]["sentence"].startswith("None of the given trusted certificates issued CN=pump-7")

    def test_device_certificate_that_is_its_own_issuer_is_trusted_itself(self, tmp_path: Path) -> None:
        assert explained(file_of(tmp_path, self_signed_device("pump-7")))["device"] == "pump-7"

    def test_device_certificate_alone_is_not_trusted(self, tmp_path: Path) -> None:
        assert explained(file_of(tmp_path, PUMP), status=1)["refusal"]["code"] == "chain/unknown-issuer"

    def test_root_first_is_the_wrong_order(self, tmp_path: Path) -> None:
        answer = explained(file_of(tmp_path, ROOT, HALL, PUMP), status=1)
        assert "a device sends its own certificate first" in answer["notes"][0]

    def test_no_tenant_is_named(self, tmp_path: Path) -> None:
        assert "tenant" not in explained(file_of(tmp_path, *PUMP.chain))


class TestUsage:
    def test_client_id_is_judged(self, tmp_path: Path) -> None:
        file = file_of(tmp_path, *PUMP.chain)
        assert explained(file, "--client-id", "d:pump-7")["device"] == "pump-7"
        answer = explained(file, "--client-id", "pump-8", status=1)
        assert answer["refusal"]["code"] == "client-id/mismatch"

    def test_moment_must_be_one(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["explain", str(file_of(tmp_path, PUMP)), "--at", "soon"])
        assert isinstance(result.exception, CommandError)

    @pytest.mark.parametrize("at", ["2046-06-01", "2046-06-01T12:00+02:00"])
    def test_another_moment_gives_another_verdict(self, tmp_path: Path, at: str) -> None:
        result = CliRunner().invoke(app, ["explain", str(file_of(tmp_path, *PUMP.chain)), "--at", at])
        assert result.exit_code == 1
        assert "expired on 1 Jan 2045, 00:00 UTC" in " ".join(result.output.split())

    def test_trusted_and_url_exclude_each_other(self, tmp_path: Path) -> None:
        file = file_of(tmp_path, PUMP)
        assert "--trusted" in complaint(file, "--trusted", file, "--url", "https://localhost")

    def test_tenant_needs_a_node(self, tmp_path: Path) -> None:
        assert "--url" in complaint(file_of(tmp_path, PUMP), "--tenant", "t1000")

    def test_node_that_is_not_there_gives_no_verdict(self, tmp_path: Path) -> None:
        words = ("--url", "https://localhost:1", "--password", "x")
        assert "https://localhost:1" in complaint(file_of(tmp_path, PUMP), *words)


class TestOutput:
    def test_first_line_is_the_verdict(self, tmp_path: Path) -> None:
        expired = file_of(tmp_path, *HALL.device("pump-7", valid=EXPIRED).chain)
        assert explain(expired).output.startswith("✗ Refused  CN=pump-7, O=Example  certificate/expired\n")
        sound = file_of(tmp_path, *PUMP.chain)
        line = "✓ Sound  pump-7 is admitted where CN=Plant CA, O=Example is trusted\n"
        assert explain(sound).output.startswith(line)

    def test_names_cannot_write_to_the_terminal(self, tmp_path: Path) -> None:
        output = explain(file_of(tmp_path, *ROOT.device("pump\x1b[2J").chain), "--details").output
        assert "\x1b" not in output
        assert "pump\\x1b[2J" in output

    def test_details_have_every_fact(self, tmp_path: Path) -> None:
        output = explain(file_of(tmp_path, *PUMP.chain), "--details").output
        for word in ("serial", "SHA-256", "key usage", "digitalSignature, keyCertSign, cRLSign", "SHA256withECDSA"):
            assert word in output

    def test_long_path_is_advised_of_the_platforms_limit(self, tmp_path: Path) -> None:
        assert "trust.max_chain_length" in explain(file_of(tmp_path, *PUMP.chain)).output


TOLD_WITHOUT_A_PLATFORM = (
    "certificate/",
    Code.CHAIN_TOO_LARGE,
    Code.TOO_MANY_CERTIFICATES,
    Code.ISSUER_NOT_A_CA,
    Code.ISSUER_MAY_NOT_SIGN,
    Code.PATH_LENGTH_EXCEEDED,
    Code.NAME_CONSTRAINT,
    Code.ISSUER_EXPIRED,
    Code.INTERMEDIATE_MISSING,
    "client-id/m",
)
ALONE = [way for way in WAYS if way.code.startswith(TOLD_WITHOUT_A_PLATFORM)]


@pytest.mark.parametrize("way", ALONE, ids=lambda way: way.name)
async def test_fault_of_the_chain_itself_is_told_alike_without_a_platform(
    make_scene: SceneMaker, way: WayToFail, tmp_path: Path
) -> None:
    scene = await make_scene()
    failing = await way.arrange(scene)
    file = tmp_path / "chain.pem"
    file.write_text("".join(map(armoured, failing.presented)))
    words = [] if failing.client_id is None else ["--client-id", failing.client_id]
    result = CliRunner().invoke(app, ["explain", str(file), "--json", "--at", scene.clock.now().isoformat(), *words])
    assert result.exit_code == 1, result.output
    refusal = json.loads(result.output)["refusal"]
    assert refusal == {"code": way.code, "sentence": way.sentence, "remedy": way.remedy}
