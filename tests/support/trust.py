"""A platform's trust in memory, for tests of the decision who may connect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from string import Formatter
from typing import Any

from certinel.domain.admission import Admission, ConnectAttempt, TrustPolicy, decide
from certinel.domain.certificate import Certificate
from certinel.domain.errors import EXPLANATIONS, Code, Refusal
from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.trust_store import TenantFacts, TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verdict_memory import VerdictMemory
from support.certificates import AT, Issued

ACME = TenantId("t1000")
OTHER = TenantId("t2000")


@dataclass
class TrustWorld:
    """Tenants, what they trust, and devices that connect. ``ACME`` and ``OTHER`` are there from the start."""

    store: TrustStore = field(default_factory=TrustStore)
    memory: VerdictMemory = field(default_factory=VerdictMemory)
    policy: TrustPolicy = field(default_factory=lambda: TrustPolicy(max_chain_length=4))
    at: datetime = AT
    uploads: list[TrustedCertificate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tenant(ACME, domain="acme.example.com")
        self.tenant(OTHER, domain="other.example.com")

    def tenant(self, tenant: str, *, domain: str | None = None, is_active: bool = True) -> TenantId:
        self.store.put_tenant(TenantFacts(TenantId(tenant), domain, is_active))
        return TenantId(tenant)

    def trust(self, issued: Issued | bytes, tenant: str = ACME, **changes: Any) -> TrustedCertificate:
        """Upload a certificate, a minute after the one before."""
        certificate = read(issued.der if isinstance(issued, Issued) else issued)
        number = len(self.uploads)
        trusted = TrustedCertificate(
            id=number,
            tenant=TenantId(tenant),
            name=changes.pop("name", f"upload {number}"),
            status=changes.pop("status", TrustStatus.ENABLED),
            auto_registration=changes.pop("auto_registration", True),
            certificate=certificate,
            fingerprint=certificate.fingerprint,
            uploaded_at=changes.pop(
                "uploaded_at", datetime.fromisoformat("2026-10-01T00:00:00Z") + timedelta(minutes=number)
            ),
            proven_at=AT if changes.pop("proven", False) else None,
            **changes,
        )
        self.uploads.append(trusted)
        self._publish(trusted.tenant)
        return trusted

    def change(self, trusted: TrustedCertificate, **changes: Any) -> TrustedCertificate:
        changed = replace(self.uploads[trusted.id], **changes)
        self.uploads[trusted.id] = changed
        self._publish(changed.tenant)
        return changed

    def _publish(self, tenant: TenantId) -> None:
        self.store.replace_trusted_certificates(tenant, [one for one in self.uploads if one.tenant == tenant])

    def device_user(self, device: str, tenant: str = ACME, *, is_enabled: bool = True) -> None:
        self.store.put_device_user(TenantId(tenant), device_user_name(DeviceId(device)), is_enabled=is_enabled)

    def connect(
        self,
        presented: Issued | Sequence[Issued] | Sequence[bytes],
        client_id: str | None = None,
        *,
        user_name: str | None = None,
        server_name: str | None = None,
        at: datetime | None = None,
    ) -> Admission | Refusal:
        """Present a chain; an issued certificate alone brings its whole chain along, the trusted one included."""
        ders = [one if isinstance(one, bytes) else one.der for one in _chain(presented)]
        if client_id is None:
            client_id = common_name_of(ders[0])
        attempt = ConnectAttempt(ders, client_id, user_name, server_name)
        return decide(attempt, self.store, self.memory, self.policy, at or self.at)

    def admit(self, presented: Issued | Sequence[Issued] | Sequence[bytes], *arguments: Any, **named: Any) -> Admission:
        verdict = self.connect(presented, *arguments, **named)
        assert isinstance(verdict, Admission), f"{verdict.code}: {verdict.sentence}"
        return verdict

    def refuse(self, presented: Issued | Sequence[Issued] | Sequence[bytes], *arguments: Any, **named: Any) -> Refusal:
        """Present a chain that must be refused, with every fact that the explanation names."""
        verdict = self.connect(presented, *arguments, **named)
        assert isinstance(verdict, Refusal), f"admitted to {verdict.tenant}"
        assert_explained(verdict)
        return verdict


@lru_cache(maxsize=1000)
def read(der: bytes) -> Certificate:
    return Certificate.parse(der)


def common_name_of(der: bytes) -> str:
    names = read(der).common_names
    return names[0] if names else "none"


def _chain(presented: Issued | Sequence[Issued] | Sequence[bytes]) -> Sequence[Issued] | Sequence[bytes]:
    return presented.chain if isinstance(presented, Issued) else presented


def assert_explained(refusal: Refusal) -> None:
    """Every placeholder of the sentence and the remedy has its fact, and nothing in them can deceive."""
    explanation = EXPLANATIONS[refusal.code]
    asked = {name for text in explanation for _, name, _, _ in Formatter().parse(text) if name}
    assert asked <= set(refusal.facts), f"{refusal.code} lacks {asked - set(refusal.facts)}"
    for text in (refusal.sentence, refusal.remedy, refusal.told_reason):
        assert text.isprintable()
        assert text[0].isalnum()
    if refusal.certificate is not None and refusal.path:
        assert refusal.certificate < len(refusal.path)


def says(refusal: Refusal, code: Code, certificate: int | None = None, *, owner: TenantId | None = ACME) -> bool:
    """Code, index of the failing certificate and tenant that is shown the refusal, all at once."""
    assert (refusal.code, refusal.certificate, refusal.tenant) == (code, certificate, owner)
    return True
