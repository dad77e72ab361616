"""The use cases around the decision who may connect: judge, register, give a token, judge again by the token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certinel.domain.admission import Admission, ConnectAttempt, decide
from certinel.domain.claims import likely_tenant
from certinel.domain.device_token import DeviceTokenClaims
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.tenant_choice import named_tenant
from certinel.domain.trust_store import TrustStore
from certinel.services import users
from certinel.services.platform import Platform
from certinel.services.tokens import TokenHolder, issue_device_token
from certinel.storage import device_chains
from certinel.storage.device_chains import DeviceChain
from certinel.storage.engine import Transaction


def judge(
    platform: Platform, attempt: ConnectAttempt, *, trust: TrustStore | None = None, at: datetime | None = None
) -> Admission | Refusal:
    """Decide on a connection by what this node knows now; asks nobody and changes nothing.

    An admission with ``must_register`` counts only after `register`. ``trust`` and ``at`` are for questions only: what
    the decision would be by other trust than the node's, or at another moment.
    """
    return decide(attempt, trust or platform.trust, platform.verdicts, platform.policy, at or platform.clock.now())


def judge_now(platform: Platform, attempt: ConnectAttempt) -> Admission | Refusal:
    """Decide on a connection that is being made: as `judge` does, and not at all by trust that may be out of date."""
    if platform.trust_keeper.is_stale:
        return Refusal(Code.STALE_NODE)
    return judge(platform, attempt)


@dataclass(frozen=True, slots=True)
class Applicant:
    """What can be told of a client before any signature of its chain is looked at."""

    tenant: TenantId | None
    """Whose device it seems to be: see `likely_tenant`."""
    leaf: bytes
    """SHA-256 of its certificate, whose key the handshake has proven; empty without a certificate that can be read."""
    is_known: bool
    """Whether a path of the presented chain is known to verify."""


def applicant_of(platform: Platform, attempt: ConnectAttempt) -> Applicant:
    """Tell whose turn and whose share a connection takes; cheap, and decides nothing."""
    presented = platform.verdicts.read(attempt.presented)
    if isinstance(presented, Refusal):
        return Applicant(None, b"", is_known=False)
    named, _ = named_tenant(attempt.user_name, attempt.server_name, platform.trust)
    tenant, is_known = likely_tenant(presented, platform.trust, platform.verdicts, platform.clock.now(), named=named)
    return Applicant(tenant, presented.leaf.sha256, is_known)


async def register(platform: Platform, tx: Transaction, admissions: Sequence[Admission]) -> list[None]:
    """Make the device users of admitted devices that have none; one made meanwhile by somebody else is fine."""
    devices = [(admission.tenant, admission.device) for admission in admissions]
    await users.register_devices(tx, platform.bus, devices, platform.clock.now())
    return [None] * len(devices)


async def hand_out_token(platform: Platform, admission: Admission, attempt: ConnectAttempt, host: str) -> str:
    """Return a token for the device of a live session, issued by ``host``: see `issue_device_token`.

    The presented chain is kept with it, so that every use of the token can be judged by it.
    """
    at = platform.clock.now()
    holder = TokenHolder(
        tenant=admission.tenant, device=admission.device, leaf_sha256=admission.path[0].sha256, host=host
    )
    issued = platform.tokens.issued_before(holder, at)
    if issued is not None:
        return issued
    async with platform.database.transaction() as tx:
        await device_chains.remember(
            tx,
            DeviceChain(
                tenant=holder.tenant,
                device=holder.device,
                leaf_sha256=holder.leaf_sha256,
                presented=tuple(attempt.presented),
                seen_at=at,
            ),
        )
    # only now: a token whose chain was not kept would be refused wherever it is shown
    async with platform.database.reading() as tx:
        return await issue_device_token(tx, platform.tokens, holder, at)


async def is_token_admitted(platform: Platform, claims: DeviceTokenClaims) -> bool:
    """Tell whether the device that a token was given to would be let in now, with the chain it presented then.

    The token's signature and lifetime are *not* checked here.
    """
    presented = await _presented_chain(platform, claims)
    if presented is None:
        return False
    # several tenants can claim the device; the token names the one that it was let into
    verdict = judge(platform, ConnectAttempt(presented, client_id=claims.device, user_name=claims.tenant))
    match verdict:
        case Admission(must_register=False):
            return (verdict.tenant, verdict.device) == (claims.tenant, claims.device)
        case _:
            return False


async def _presented_chain(platform: Platform, claims: DeviceTokenClaims) -> tuple[bytes, ...] | None:
    async with platform.database.reading() as tx:
        return await device_chains.find(tx, claims.tenant, claims.leaf_sha256)
