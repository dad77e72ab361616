"""What the cards of an explained chain say: two or three facts each, in the words of the refusal."""

from datetime import datetime

from rich.text import Text

from certinel.api.explanation_answer import CertificateAnswer, ChainLinkAnswer, ExplanationAnswer, TrustedAnswer
from certinel.cli.chain_drawing import BrokenLink, Card, CardState, ChainDrawing
from certinel.domain.errors import Code, shown
from certinel.domain.explained_chain import ChainRole
from certinel.domain.trusted_certificate import TrustStatus

TITLES = {
    ChainRole.DEVICE: "Device certificate",
    ChainRole.INTERMEDIATE: "Intermediate certificate",
    ChainRole.ROOT: "Root certificate",
    ChainRole.TRUSTED: "Trusted certificate",
}
SHORT_DIGITS = 8
"""Of a fingerprint or a serial number that are shown at either end."""


def drawing_of(answer: ExplanationAnswer) -> ChainDrawing:
    """Draw the chain as far as it is known, with its tenant, or with what is missing at its end."""
    cards = [_card(index, link, answer) for index, link in enumerate(answer.chain)]
    cards += _end_of(answer)
    refusal = answer.refusal
    if refusal is None:
        return ChainDrawing(cards)
    after = answer.broken_after if answer.broken_after is not None else -1
    return ChainDrawing(cards, BrokenLink(after, refusal.sentence, refusal.remedy))


def _card(index: int, link: ChainLinkAnswer, answer: ExplanationAnswer) -> Card:
    if link.certificate is None:
        return Card(f"Certificate {link.position}", [Text("cannot be read", "red")], _state(index, link, answer))
    title = TITLES[link.role]
    trusted = answer.trusted_certificate
    is_last = index == len(answer.chain) - 1
    if trusted is not None and is_last:
        title = "Device certificate, trusted itself" if index == 0 else title
        title += "" if trusted.name == link.certificate.subject else f": {shown(trusted.name)}"
    facts = [Text(shown(link.certificate.subject), "bold"), _key_and_validity(link.certificate, answer.at)]
    if trusted is not None and is_last and answer.tenant is not None:
        facts.append(_trust(trusted))
    else:
        facts.append(_kind(link.certificate))
    return Card(title, facts, _state(index, link, answer))


def _state(index: int, link: ChainLinkAnswer, answer: ExplanationAnswer) -> CardState:
    if answer.broken_after is not None and index > answer.broken_after:
        return CardState.BEYOND
    is_only_unknown = answer.refusal is not None and answer.refusal.code == Code.UNKNOWN_ISSUER
    return CardState.FAILING if link.is_failing and not is_only_unknown else CardState.SOUND


def _key_and_validity(certificate: CertificateAnswer, at: datetime) -> Text:
    text = Text(f"{certificate.key}, ")
    if certificate.is_valid:
        return text.append(f"valid to {_day(certificate.not_after)}")
    if at < certificate.not_before:
        return text.append(f"valid from {_day(certificate.not_before)}", "red")
    return text.append(f"expired {_day(certificate.not_after)}", "red")


def _kind(certificate: CertificateAnswer) -> Text:
    if not certificate.is_ca:
        return Text(f"serial {shortened(certificate.serial_number_hex)}")
    length = "" if certificate.path_length is None else f"pathlen {certificate.path_length}, "
    return Text(f"{length}SHA-1 {shortened(certificate.fingerprint)}")


def _trust(trusted: TrustedAnswer) -> Text:
    if trusted.status is TrustStatus.DISABLED:
        return Text("disabled", "red")
    registration = "on" if trusted.is_auto_registering else "off"
    return Text(f"auto registration {registration}, {'proven' if trusted.is_proven else 'not proven'}")


def _end_of(answer: ExplanationAnswer) -> list[Card]:
    """Return the card above the certificates: the tenant, or what is missing."""
    if answer.tenant is not None and answer.trusted_certificate is not None:
        return [_tenant_card(answer, answer.tenant)]
    if answer.refusal is None or not answer.chain:
        return []
    top = answer.chain[-1].certificate
    missing = Text(shown(answer.missing_issuer or (top.subject if top is not None else "")), "bold")
    if answer.refusal.code == Code.INTERMEDIATE_MISSING:
        return [Card("Intermediate certificate", [missing, Text("was not sent", "red")], CardState.MISSING)]
    if answer.refusal.code == Code.UNKNOWN_ISSUER:
        return [Card("Trusted certificate", [missing, Text("is not trusted here", "red")], CardState.MISSING)]
    return []


def _tenant_card(answer: ExplanationAnswer, tenant: str) -> Card:
    if answer.refusal is not None:
        return Card("Tenant", [Text(tenant, "bold"), Text("does not let it in")], CardState.BEYOND)
    device = shown(answer.device or "")
    state = f"will register {device}" if answer.would_be_registered else f"{device} is registered"
    return Card("Tenant", [Text(tenant, "bold"), Text(state)])


def shortened(digits: str) -> str:
    """Leave out the middle of a long row of digits."""
    if len(digits) <= 2 * SHORT_DIGITS:
        return digits
    return f"{digits[:SHORT_DIGITS]}…{digits[-SHORT_DIGITS:]}"


def _day(moment: datetime) -> str:
    return f"{moment:%-d %b %Y}"
