"""Why can this chain connect, or not? The verdict of a connect, with everything that the one who asks may see of it.

There is one verdict, never two: it is admission's. Here it is only decided who is shown what (trust.md section 7):
the management tenant everything; a tenant what concerns itself, and of a chain that is somebody else's or nobody's
exactly what it would see if it were alone on the platform. So nobody learns what another tenant has uploaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.chain_alone import own_client_id
from certinel.domain.errors import EXPLANATIONS, Code, Explanation, Refusal
from certinel.domain.explained_chain import ExplainedChain, explained
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.services.admission import judge
from certinel.services.platform import Platform

NOT_OF_THIS_TENANT = Explanation(
    "None of this tenant's trusted certificates issued {subject}; its issuer is {issuer}.",
    EXPLANATIONS[Code.UNKNOWN_ISSUER].remedy,
)
"""In place of the words of ``chain/unknown-issuer``, which speak of all tenants."""

_OF_THE_NODE = frozenset({Code.STALE_NODE, Code.TRY_LATER})
"""Refusals that say nothing of anybody's trust."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainQuestion:
    """A chain, and how its device would connect."""

    presented: Sequence[bytes]
    """DER of the certificates, as the device would send them: its own first."""
    client_id: str | None = None
    """None stands for the name in the device certificate."""
    tenant: TenantId | None = None
    """The tenant that the device would name in its user name; that the one who asks may name it was checked."""
    at: datetime | None = None
    """None stands for now. State, revocation and registration are those of now in any case."""


def explain(platform: Platform, question: ChainQuestion, viewer: TenantId) -> ExplainedChain:
    """Tell ``viewer`` what a connect with this chain would end with, and why. Changes nothing."""
    at = question.at or platform.clock.now()
    presented = question.presented
    client_id = question.client_id if question.client_id is not None else own_client_id(presented)
    attempt = ConnectAttempt(presented, client_id, user_name=question.tenant)
    verdict = judge(platform, attempt, at=at)
    trust = platform.trust
    if viewer != MANAGEMENT_TENANT:
        trust = platform.trust.only_of(viewer)
        verdict = _as_seen_by(viewer, verdict, judge(platform, attempt, trust=trust, at=at))
    return explained(presented, verdict, trust, at)


def _as_seen_by(viewer: TenantId, verdict: Admission | Refusal, alone: Admission | Refusal) -> Admission | Refusal:
    """Return what ``viewer`` sees of ``verdict``; ``alone`` is what it would be if there were no other tenant."""
    match verdict:
        case Admission() if verdict.tenant == viewer:
            return verdict
        case Refusal(code=Code.AMBIGUOUS_TENANT) if viewer in {verdict.tenant, *verdict.other_tenants}:
            # the path may end with the certificate of one of the others
            return Refusal(verdict.code, verdict.facts, verdict.certificate, tenant=viewer, path=alone.path)
        case Refusal() if verdict.tenant == viewer or verdict.code in _OF_THE_NODE:
            return verdict
        case _:
            return _of_somebody_else(viewer, alone)


def _of_somebody_else(viewer: TenantId, alone: Admission | Refusal) -> Refusal:
    if isinstance(alone, Admission):
        facts = {"name": alone.trusted.label, "why": "the claim of another tenant on this CA comes first"}
        return Refusal(Code.NEEDS_PROOF, facts, len(alone.path) - 1, tenant=viewer, path=alone.path)
    if alone.code is Code.UNKNOWN_ISSUER:
        return replace(alone, wording=NOT_OF_THIS_TENANT)
    return alone
