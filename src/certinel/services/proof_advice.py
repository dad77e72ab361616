"""Warning of trusted certificates whose possession should be proven, because long chains are allowed."""

from collections.abc import Iterable

import structlog

from certinel.domain.trusted_certificate import TrustedCertificate
from certinel.services.platform import Platform
from certinel.storage.engine import Transaction

logger = structlog.get_logger(__name__)


def lacking_proof(platform: Platform) -> tuple[TrustedCertificate, ...]:
    """Return those of all tenants that this node knows of, in the order of upload."""
    limit = platform.policy.max_chain_length
    lacking = [one for one in platform.trust.everything() if one.lacks_advised_proof(limit)]
    return tuple(sorted(lacking, key=lambda one: (one.uploaded_at, one.id)))


def log_lacking_proof(certificates: Iterable[TrustedCertificate]) -> None:
    """Write a line for every one of ``certificates``."""
    for trusted in certificates:
        logger.warning(
            "trust.proof_advised",
            tenant=trusted.tenant,
            fingerprint=trusted.fingerprint,
            name=trusted.name,
            subject=trusted.certificate.subject_text,
        )


def warn_after_commit(tx: Transaction, platform: Platform, changed: Iterable[TrustedCertificate]) -> None:
    """Log those of ``changed`` that lack a proof, if the change comes true."""
    limit = platform.policy.max_chain_length
    tx.after_commit(log_lacking_proof, tuple(one for one in changed if one.lacks_advised_proof(limit)))
