"""The drawing of a chain on a page: linked cards from the device to the tenant, broken where it fails.

Three things are drawn the same way: an explained chain, what is kept of an attempt, and a trusted certificate. What the
cards say is in ``domain.chain_words``, which the terminal shares.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from certinel.domain.admission import Admission
from certinel.domain.certificate import Certificate
from certinel.domain.certificate_facts import key_text
from certinel.domain.chain_words import (
    MISSING,
    TENANT_TITLE,
    UNREADABLE,
    Words,
    kind_words,
    tenant_words,
    title_of,
    trust_words,
    trusting_words,
    validity_words,
)
from certinel.domain.connection_attempt import ConnectionAttempt, Outcome, PresentedCertificate
from certinel.domain.errors import Code, Refusal
from certinel.domain.explained_chain import ChainLink, ChainRole, ExplainedChain
from certinel.domain.trusted_certificate import TrustedCertificate

_OF_THE_CLIENT_ID = frozenset({Code.CLIENT_ID_MALFORMED, Code.CLIENT_ID_MISMATCH})


class CardState(StrEnum):
    """How a card is drawn."""

    SOUND = "sound"
    FAILING = "failing"
    BEYOND = "beyond"
    """Above the place where the chain is broken."""
    MISSING = "missing"
    """Something that ought to be there."""


@dataclass(frozen=True, slots=True)
class Card:
    """One certificate of the chain, or the tenant at its end."""

    title: str
    name: str
    """Whose certificate it is: chosen by a stranger."""
    facts: tuple[Words, ...] = ()
    state: CardState = CardState.SOUND
    fingerprint: str | None = None
    """SHA-1, of a certificate."""
    address: str | None = None
    """Where there is more of it."""


@dataclass(frozen=True, slots=True)
class ChainDrawing:
    """The cards, from the device upwards, and the words under the place where they are broken."""

    cards: tuple[Card, ...]
    broken_after: int | None = None
    """The index of the card above which the chain is broken; -1 when there is none to draw."""
    code: str = ""
    sentence: str = ""
    remedy: str = ""


def address_of(trusted: TrustedCertificate) -> str:
    """Return the page of a trusted certificate."""
    return f"/ui/trusted-certificates/{trusted.fingerprint}"


# ---- an explained chain


def of_explained(chain: ExplainedChain) -> ChainDrawing:
    """Draw a chain with the verdict on it."""
    cards = tuple(_link_card(index, link, chain) for index, link in enumerate(chain.links))
    verdict = chain.verdict
    if isinstance(verdict, Admission):
        words = tenant_words(is_admitted=True, device=verdict.device, would_be_registered=verdict.must_register)
        return ChainDrawing((*cards, Card(TENANT_TITLE, verdict.tenant, (Words(words),))))
    top = chain.links[-1].certificate if chain.links else None
    if verdict.tenant is not None and chain.trusted is not None:
        cards += (_refusing(verdict.tenant),)
    elif chain.links:
        cards += _missing(verdict.code, chain.missing_issuer or (top.subject_text if top is not None else ""))
    after = chain.broken_after if chain.broken_after is not None else -1
    return ChainDrawing(cards, after, verdict.code, verdict.sentence, verdict.remedy)


def _link_card(index: int, link: ChainLink, chain: ExplainedChain) -> Card:
    code = chain.verdict.code if isinstance(chain.verdict, Refusal) else ""
    state = _state(index, chain.broken_after, is_failing=link.is_at_fault, code=code)
    if link.certificate is None:
        return Card(f"Certificate {link.position}", "", (Words(UNREADABLE, is_wrong=True),), state)
    trusted = chain.trusted if index == len(chain.links) - 1 else None
    return _certificate_card(link.certificate, link.role, chain.at, trusted=trusted, state=state, index=index)


def _certificate_card(
    certificate: Certificate,
    role: ChainRole,
    at: datetime,
    *,
    trusted: TrustedCertificate | None = None,
    state: CardState = CardState.SOUND,
    index: int = 0,
) -> Card:
    validity = validity_words(certificate.not_before, certificate.not_after, at)
    facts = [Words(f"{key_text(certificate)}, {validity.text}", is_wrong=validity.is_wrong)]
    if trusted is not None:
        facts.append(_trust(trusted))
    else:
        facts.append(
            Words(
                kind_words(
                    is_ca=certificate.is_ca,
                    path_length=certificate.path_length,
                    fingerprint=certificate.fingerprint,
                    serial=f"{certificate.serial_number:x}",
                )
            )
        )
    return Card(
        title_of(role, is_itself_trusted=trusted is not None and index == 0, name=_name_of(trusted)),
        certificate.subject_text,
        tuple(facts),
        state,
        certificate.fingerprint,
        address_of(trusted) if trusted is not None else None,
    )


# ---- an attempt


def of_attempt(attempt: ConnectionAttempt, trusted: TrustedCertificate | None, at: datetime) -> ChainDrawing:
    """Draw what a client has presented, as far as it is kept; ``trusted`` is at the end of its path."""
    path = _path(attempt.chain)
    is_refused = attempt.outcome is Outcome.REFUSED
    is_sent = trusted is not None and any(one.sha1 == trusted.fingerprint for one in path)
    length = len(path) + (1 if trusted is not None and not is_sent else 0)
    after = _broken_after(attempt, path, length) if is_refused else None
    cards: tuple[Card, ...] = tuple(
        _presented_card(
            one,
            _role(index, length, one, trusted),
            attempt.last_at,
            trusted=trusted if trusted is not None and one.sha1 == trusted.fingerprint else None,
            state=_state(index, after, is_failing=one.is_at_fault, code=attempt.code),
            index=index,
        )
        for index, one in enumerate(path)
    )
    if trusted is not None:
        if not is_sent:
            state = _state(len(path), after, is_failing=False, code=attempt.code)
            cards += (
                _certificate_card(trusted.certificate, ChainRole.TRUSTED, at, trusted=trusted, state=state, index=1),
            )
        cards += (_refusing(attempt.tenant),) if is_refused else (_letting_in(attempt),)
    elif is_refused and path:
        top = path[-1]
        cards += _missing(attempt.code, top.issuer if top.issuer != top.subject else top.subject)
    elif cards:
        cards += (_letting_in(attempt),)
    if not is_refused:
        return ChainDrawing(cards)
    return ChainDrawing(cards, after if cards else -1, attempt.code, attempt.sentence, attempt.remedy)


def _path(chain: Sequence[PresentedCertificate]) -> tuple[PresentedCertificate, ...]:
    """Return the presented certificates up to the last that follows by its name."""
    path = list(chain[:1])
    while path and path[-1].issuer != path[-1].subject:
        issuer = next((one for one in chain if one not in path and one.subject == path[-1].issuer), None)
        if issuer is None:
            break
        path.append(issuer)
    return tuple(path)


def _broken_after(attempt: ConnectionAttempt, path: Sequence[PresentedCertificate], length: int) -> int:
    if attempt.code in _OF_THE_CLIENT_ID:
        return 0
    if attempt.code == Code.UNKNOWN_ISSUER:
        return length - 1
    return next((index for index, one in enumerate(path) if one.is_at_fault), length - 1)


def _role(index: int, length: int, one: PresentedCertificate, trusted: TrustedCertificate | None) -> ChainRole:
    if index == 0:
        return ChainRole.DEVICE
    if trusted is not None and one.sha1 == trusted.fingerprint:
        return ChainRole.TRUSTED
    return ChainRole.ROOT if index == length - 1 and one.subject == one.issuer else ChainRole.INTERMEDIATE


def _presented_card(
    one: PresentedCertificate,
    role: ChainRole,
    at: datetime,
    *,
    trusted: TrustedCertificate | None,
    state: CardState,
    index: int,
) -> Card:
    is_ca = role is not ChainRole.DEVICE
    number = kind_words(is_ca=is_ca, path_length=None, fingerprint=one.sha1, serial=one.serial_number_hex)
    return Card(
        title_of(role, is_itself_trusted=trusted is not None and index == 0, name=_name_of(trusted)),
        one.subject,
        (validity_words(one.not_before, one.not_after, at), _trust(trusted) if trusted is not None else Words(number)),
        state,
        one.sha1,
        address_of(trusted) if trusted is not None else None,
    )


def _letting_in(attempt: ConnectionAttempt) -> Card:
    return Card(TENANT_TITLE, attempt.tenant, (Words(tenant_words(is_admitted=True, device=attempt.device or "")),))


# ---- a trusted certificate


def of_trusted(
    trusted: TrustedCertificate, issuers: Sequence[TrustedCertificate], at: datetime, *, lets_in: bool
) -> ChainDrawing:
    """Draw what follows a trusted certificate: those above it that the tenant trusts too, and the tenant."""
    own = replace(_certificate_card(trusted.certificate, ChainRole.TRUSTED, at, trusted=trusted, index=1), address=None)
    above = [_certificate_card(one.certificate, ChainRole.TRUSTED, at, trusted=one, index=1) for one in issuers]
    state = CardState.SOUND if lets_in else CardState.BEYOND
    tenant = Card(TENANT_TITLE, trusted.tenant, (Words(trusting_words(lets_in=lets_in)),), state)
    return ChainDrawing((own, *above, tenant), None if lets_in else len(above))


def of_certificate(certificate: Certificate, at: datetime) -> ChainDrawing:
    """Draw one certificate that is not trusted yet."""
    is_own = certificate.subject == certificate.issuer
    of_a_ca = ChainRole.ROOT if is_own else ChainRole.INTERMEDIATE
    role = of_a_ca if certificate.is_ca else ChainRole.DEVICE
    return ChainDrawing((_certificate_card(certificate, role, at, index=1),))


# ---- what they share


def _state(index: int, broken_after: int | None, *, is_failing: bool, code: str) -> CardState:
    if broken_after is not None and index > broken_after:
        return CardState.BEYOND
    return CardState.FAILING if is_failing and code != Code.UNKNOWN_ISSUER else CardState.SOUND


def _name_of(trusted: TrustedCertificate | None) -> str | None:
    if trusted is None or trusted.label == trusted.certificate.subject_text:
        return None
    return trusted.label


def _trust(trusted: TrustedCertificate) -> Words:
    return trust_words(trusted.status, is_auto_registering=trusted.auto_registration, is_proven=trusted.is_proven)


def _missing(code: str, name: str) -> tuple[Card, ...]:
    missing = MISSING.get(code)
    if missing is None:
        return ()
    return (Card(missing.title, name, (Words(missing.words, is_wrong=True),), CardState.MISSING),)


def _refusing(tenant: str) -> Card:
    return Card(TENANT_TITLE, tenant, (Words(tenant_words(is_admitted=False)),), CardState.BEYOND)
