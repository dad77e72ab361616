"""The cards of an explained chain for the terminal, in the words of ``domain.chain_words``."""

from datetime import datetime

from rich.text import Text

from certinel.api.explanation_answer import CertificateAnswer, ChainLinkAnswer, ExplanationAnswer
from certinel.cli.chain_drawing import BrokenLink, Card, CardState, ChainDrawing
from certinel.domain.chain_words import (
    MISSING,
    TENANT_TITLE,
    UNREADABLE,
    Words,
    kind_words,
    tenant_words,
    title_of,
    trust_words,
    validity_words,
)
from certinel.domain.errors import Code, shown


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
        return Card(f"Certificate {link.position}", [Text(UNREADABLE, "red")], _state(index, link, answer))
    trusted = answer.trusted_certificate if index == len(answer.chain) - 1 else None
    name = trusted.name if trusted is not None and trusted.name != link.certificate.subject else None
    title = title_of(link.role, is_itself_trusted=trusted is not None and index == 0, name=name)
    facts = [Text(shown(link.certificate.subject), "bold"), _key_and_validity(link.certificate, answer.at)]
    if trusted is not None and answer.tenant is not None:
        words = trust_words(
            trusted.status, is_auto_registering=trusted.is_auto_registering, is_proven=trusted.is_proven
        )
        facts.append(_text(words))
    else:
        facts.append(Text(_kind(link.certificate)))
    return Card(title, facts, _state(index, link, answer))


def _state(index: int, link: ChainLinkAnswer, answer: ExplanationAnswer) -> CardState:
    if answer.broken_after is not None and index > answer.broken_after:
        return CardState.BEYOND
    is_only_unknown = answer.refusal is not None and answer.refusal.code == Code.UNKNOWN_ISSUER
    return CardState.FAILING if link.is_failing and not is_only_unknown else CardState.SOUND


def _key_and_validity(certificate: CertificateAnswer, at: datetime) -> Text:
    return Text(f"{certificate.key}, ") + _text(validity_words(certificate.not_before, certificate.not_after, at))


def _kind(certificate: CertificateAnswer) -> str:
    return kind_words(
        is_ca=certificate.is_ca,
        path_length=certificate.path_length,
        fingerprint=certificate.fingerprint,
        serial=certificate.serial_number_hex,
    )


def _text(words: Words) -> Text:
    return Text(words.text, "red" if words.is_wrong else "")


def _end_of(answer: ExplanationAnswer) -> list[Card]:
    """Return the card above the certificates: the tenant, or what is missing."""
    if answer.tenant is not None and answer.trusted_certificate is not None:
        return [_tenant_card(answer, answer.tenant)]
    missing = MISSING.get(answer.refusal.code) if answer.refusal is not None and answer.chain else None
    if missing is None:
        return []
    top = answer.chain[-1].certificate
    name = Text(shown(answer.missing_issuer or (top.subject if top is not None else "")), "bold")
    return [Card(missing.title, [name, Text(missing.words, "red")], CardState.MISSING)]


def _tenant_card(answer: ExplanationAnswer, tenant: str) -> Card:
    is_admitted = answer.refusal is None
    words = tenant_words(
        is_admitted=is_admitted,
        device=answer.device or "",
        would_be_registered=bool(answer.would_be_registered),
    )
    return Card(TENANT_TITLE, [Text(tenant, "bold"), Text(words)], CardState.SOUND if is_admitted else CardState.BEYOND)
