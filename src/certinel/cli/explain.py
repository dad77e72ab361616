"""``certinel explain``: would a device with this chain be let in, and if not, why, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from certinel.api.explanation_answer import CertificateAnswer, ExplanationAnswer
from certinel.cli.admin.asking import WHICH_NODE, Choice, Node, Password, ServerCa, User
from certinel.cli.chain_file import read_certificates
from certinel.cli.explained_cards import drawing_of
from certinel.cli.node_client import NodeAnswerError
from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError, console
from certinel.domain.admission import TrustPolicy
from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.chain_alone import judge_alone
from certinel.domain.chain_words import TITLES
from certinel.domain.errors import shown
from certinel.domain.explained_chain import explained
from certinel.domain.pem import armoured
from certinel.services.clock import SystemClock

PATH = "/certinel/explanations"


@dataclass(frozen=True, slots=True)
class _Question:
    presented: list[bytes]
    client_id: str | None
    at: datetime | None


def explain(  # noqa: PLR0917 - typer calls it by name
    chain: Annotated[
        Path,
        typer.Argument(
            help="What the device would send: PEM with anything around it, DER or PKCS#12; - is standard input."
        ),
    ],
    client_id: Annotated[
        str | None, typer.Option(help="MQTT client id; without it the common name of the device certificate.")
    ] = None,
    trusted: Annotated[
        list[Path] | None,
        typer.Option(help="Take this CA as trusted instead of the end of the chain. Repeatable; not with --url."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Ask this node, which knows whom its tenants trust.", rich_help_panel=WHICH_NODE),
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option(help="Ask the node of this saved login (certinel admin login).", rich_help_panel=WHICH_NODE),
    ] = None,
    user: User = None,
    password: Password = None,
    ca: ServerCa = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant that the device names in its user name.")] = None,
    at: Annotated[str | None, typer.Option(help="Another moment than now, as 2027-01-31 or 2027-01-31T12:00Z.")] = None,
    passphrase: Annotated[str | None, typer.Option(help="Of a PKCS#12 file.")] = None,
    details: Annotated[bool, typer.Option("--details", help="Print all facts of every certificate.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON, as REST gives it.")] = False,
) -> None:
    """Explain whether a chain of certificates lets a device connect, with the very verdict that a connect gets.

    With --url or --platform a running node is asked, by a saved login unless a password is given. Without them the
    chain is judged alone, its end taken as trusted: form, keys, order, validity, who may sign; nothing that only a
    platform knows.

    Ends with 0 when the device is admitted, with 1 when it is refused, with 2 when there is no verdict.
    """
    is_alone = url is None and platform is None
    if not is_alone and trusted:
        raise CommandError("--trusted goes without --url: a node knows itself whom its tenants trust", EXIT_USAGE)
    if is_alone and tenant is not None:
        raise CommandError("--tenant goes with --url: only a node has tenants", EXIT_USAGE)
    question = _Question(read_certificates(chain, passphrase), client_id, _moment(at))
    if is_alone:
        answer = _alone(question, trusted or [])
    else:
        choice = Choice(platform=platform, url=url, user=user, password=password, server_ca=ca)
        answer = _asked(Node(choice), question, tenant)
    if as_json:
        typer.echo(answer.model_dump_json(exclude_none=True, indent=2))
    else:
        _show(answer, is_alone=is_alone, details=details)
        if is_alone:
            _show_what_is_open(answer, has_trusted=bool(trusted))
    if answer.refusal is not None:
        raise typer.Exit(EXIT_FAILURE)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CommandError(
            f"--at {text}: not a date or a time, as 2027-01-31 or 2027-01-31T12:00Z", EXIT_USAGE
        ) from None


def _alone(question: _Question, files: Sequence[Path]) -> ExplanationAnswer:
    trusted = [_certificate(der, file) for file in files for der in read_certificates(file)]
    at = question.at or SystemClock().now()
    alone = judge_alone(question.presented, at, trusted=trusted, client_id=question.client_id)
    return ExplanationAnswer.of(explained(question.presented, alone.verdict, alone.trust, at))


def _certificate(der: bytes, file: Path) -> Certificate:
    try:
        return Certificate.parse(der)
    except MalformedCertificateError as error:
        raise CommandError(f"{file}: {error}", EXIT_USAGE) from None


def _asked(node: Node, question: _Question, tenant: str | None) -> ExplanationAnswer:
    body: dict[str, Any] = {"chain": "".join(armoured(der) for der in question.presented)}
    at = question.at.isoformat() if question.at is not None else None
    optional = {"clientId": question.client_id, "tenant": tenant, "at": at}
    body |= {name: value for name, value in optional.items() if value is not None}
    try:
        return ExplanationAnswer.model_validate(node.rest.post(PATH, body))
    except NodeAnswerError as error:  # a verdict is the only answer that is one: 1 says "refused"
        raise CommandError(str(error), EXIT_USAGE) from None
    except ValidationError:
        raise node.rest.unknown_answer() from None
    finally:
        node.close()


def _show(answer: ExplanationAnswer, *, is_alone: bool, details: bool) -> None:
    console.print(_headline(answer, is_alone=is_alone), soft_wrap=False)
    console.print()
    console.print(drawing_of(answer), soft_wrap=False)
    remarks = [Text.assemble(("Note: ", "bold"), note) for note in answer.notes]
    if answer.also_wrong is not None:
        also = answer.also_wrong
        remarks.insert(0, Text.assemble(("Also: ", "bold"), also.sentence, (" → ", "bold"), also.remedy))
    if remarks:
        console.print()
    for remark in remarks:
        console.print(remark, soft_wrap=False)
    if details:
        for link in answer.chain:
            if link.certificate is not None:
                console.print()
                console.print(Text(TITLES[link.role], "bold"))
                console.print(_facts(link.certificate), soft_wrap=False)


def _headline(answer: ExplanationAnswer, *, is_alone: bool) -> Text:
    if answer.refusal is not None:
        first = answer.chain[0].certificate if answer.chain else None
        subject = f"  {shown(first.subject)}" if first is not None else ""
        return Text.assemble(("✗ Refused", "bold red"), subject, (f"  {answer.refusal.code}", "red"))
    device = shown(answer.device or "")
    top = answer.chain[-1].certificate
    if is_alone and top is not None:
        return Text.assemble(("✓ Sound", "bold green"), f"  {device} is admitted where {shown(top.subject)} is trusted")
    return Text.assemble(("✓ Admitted", "bold green"), f"  {device} to tenant {answer.tenant}")


def _show_what_is_open(answer: ExplanationAnswer, *, has_trusted: bool) -> None:
    """Say what the verdict without a platform rests on."""
    console.print()
    limit = TrustPolicy().max_chain_length
    sentences = ["Judged without a platform: --url asks a node, which knows its tenants, devices and limits."]
    if not has_trusted and answer.trusted_certificate is not None:
        sentences.insert(0, "The end of the chain is taken as trusted; --trusted CA.pem takes another.")
    if answer.refusal is None and len(answer.chain) > limit:
        sentences.insert(
            0,
            f"The path has {len(answer.chain)} certificates: a platform admits {limit}, "
            "unless its trust.max_chain_length is raised.",
        )
    for sentence in sentences:
        console.print(Text(sentence, "dim"), soft_wrap=False)


def _facts(certificate: CertificateAnswer) -> Table:
    table = Table.grid(padding=(0, 2))
    usages = (certificate.key_usage, certificate.extended_key_usage)
    rows = {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": certificate.serial_number_hex,
        "validity": f"{certificate.not_before:%-d %b %Y, %H:%M} to {certificate.not_after:%-d %b %Y, %H:%M} UTC",
        "key": certificate.key,
        "signature": certificate.algorithm_name,
        "SHA-1": certificate.fingerprint,
        "SHA-256": certificate.sha256,
        "CA": _constraints(certificate),
        "key usage": "none" if usages[0] is None else ", ".join(usages[0]),
        "extended usage": "none" if usages[1] is None else ", ".join(usages[1]),
    }
    for name, value in rows.items():
        table.add_row(Text(f"  {name}", "dim"), Text(shown(value)))
    return table


def _constraints(certificate: CertificateAnswer) -> str:
    if not certificate.is_ca:
        return "no"
    return "yes" if certificate.path_length is None else f"yes, pathlen {certificate.path_length}"
