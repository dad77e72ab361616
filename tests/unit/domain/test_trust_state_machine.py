"""Whatever tenants do, a device belongs to one of them, and nobody outside takes it over or locks it out (section 4).

An *outsider* of a CA is a tenant that does not hold its private key: it can upload the CA's public certificate, any
certificate made for its subject and key, and CAs of the same name with keys of its own; it can prove the last ones
only. What an outsider does may count among tenants that have not proven possession, where the earliest upload does.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from certinel.domain.admission import Admission, TrustPolicy
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import TenantId
from certinel.domain.trust_store import CLAIMS_OUTLIVE_DELETION, TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.verdict_memory import VerdictMemory
from support.certificates import Issued, root_authority
from support.trust import TrustWorld, read

TENANTS = [TenantId(f"t{number}") for number in range(4)]
OWNER = TENANTS[0]
"""The only tenant that holds the keys of ROOT and HALL; all others are outsiders of them."""

ROOT = root_authority("Plant CA")
HALL = ROOT.authority("Hall 3")
MALLORY = root_authority("Mallory")


def evil_twin(of: Issued) -> Issued:
    identifier = of.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return root_authority("", subject=of.certificate.subject, key_identifiers=False, extensions=[(identifier, False)])


GENUINE = [ROOT, HALL, ROOT.renewed(), HALL.renewed()]
LOOK_ALIKES = [
    *(MALLORY.authority("", subject=of.certificate.subject, key=of.key) for of in (ROOT, HALL) for _ in range(3)),
    # whose paths do not verify
    *(
        MALLORY.authority("", subject=of.certificate.subject, key=of.key, path_length=0, name_constraints=constraints)
        for of in (ROOT, HALL)
        for constraints in [x509.NameConstraints(None, [x509.DirectoryName(x509.Name([]))])]
    ),
]
TWINS = [evil_twin(of) for of in (ROOT, HALL) for _ in range(3)]
DEVICES = [ROOT.device("pump-7"), HALL.device("pump-8")]
ANYTHING = [*GENUINE, *LOOK_ALIKES, *TWINS]

a_tenant = st.sampled_from(TENANTS)
an_outsider = st.sampled_from(TENANTS[1:])


class TrustMachine(RuleBasedStateMachine):
    """Uploads, proofs, deletions, restarts and the passing of time, in any order."""

    uploads: Bundle[int] = Bundle("uploads")

    @initialize()
    def start(self) -> None:
        self.world = TrustWorld(policy=TrustPolicy(max_chain_length=3))
        for tenant in TENANTS:
            self.world.tenant(tenant, domain=f"{tenant}.example.com")

    @rule(target=uploads, tenant=a_tenant, issued=st.sampled_from(ANYTHING), is_enabled=st.booleans())
    def upload(self, tenant: TenantId, issued: Issued, is_enabled: bool) -> Any:
        if any(one.certificate.der == issued.der and self._is_live(one) for one in self._of(tenant)):
            return multiple()  # 409
        status = TrustStatus.ENABLED if is_enabled else TrustStatus.DISABLED
        self._tick()
        return self.world.trust(issued, tenant, status=status, uploaded_at=self.world.at).id

    @rule(upload=uploads)
    def prove(self, upload: int) -> None:
        trusted = self.world.uploads[upload]
        if self._is_live(trusted) and self._holds_key(trusted):
            self.world.change(trusted, proven_at=self.world.at)

    @rule(upload=uploads, is_enabled=st.booleans())
    def switch(self, upload: int, is_enabled: bool) -> None:
        status = TrustStatus.ENABLED if is_enabled else TrustStatus.DISABLED
        self.world.change(self.world.uploads[upload], status=status)

    @rule(upload=uploads)
    def delete(self, upload: int) -> None:
        if self._is_live(self.world.uploads[upload]):
            self._tick()
            self.world.change(self.world.uploads[upload], deleted_at=self.world.at)

    @rule(days=st.sampled_from([1, 29, 30]))
    def time_passes(self, days: int) -> None:
        self.world.at += timedelta(days=days)

    @rule()
    def restart(self) -> None:
        """Build the trust store again, in another order, with nothing remembered."""
        world = self.world
        rebuilt = TrustStore()
        for tenant in reversed(TENANTS):
            facts = world.store.tenant(tenant)
            assert facts is not None
            rebuilt.put_tenant(facts)
            rebuilt.replace_trusted_certificates(tenant, reversed(self._of(tenant)))
        before = self._verdicts()
        world.store, world.memory = rebuilt, VerdictMemory()
        assert self._verdicts() == before

    @rule(
        device=st.sampled_from(DEVICES),
        sent=st.integers(1, 3),
        named=st.one_of(st.none(), a_tenant),
        by_user_name=st.booleans(),
    )
    def connect(self, device: Issued, sent: int, named: TenantId | None, by_user_name: bool) -> None:
        hint: dict[str, str] = {}
        if named is not None:
            hint = {"user_name": named} if by_user_name else {"server_name": f"{named}.example.com"}
        verdict = self.world.connect(device.chain[:sent], **hint)
        fresh = TrustWorld(self.world.store, VerdictMemory(), self.world.policy, self.world.at)
        assert outcome(fresh.connect(device.chain[:sent], **hint)) == outcome(verdict), "memory must change nothing"
        if isinstance(verdict, Admission):
            assert verdict.tenant == (named or verdict.tenant)
            assert verdict.trusted in self.world.uploads
            assert self._is_live(verdict.trusted)
            assert verdict.trusted.status is TrustStatus.ENABLED
            if self._owner_has_proven(device):
                assert verdict.tenant == OWNER

    @rule(tenant=an_outsider, data=st.data())
    def an_outsider_floods(self, tenant: TenantId, data: st.DataObject) -> None:
        """Whatever an outsider uploads after everybody else, proven where it can be, moves no device."""
        before = self._verdicts()
        for issued in data.draw(st.lists(st.sampled_from(ANYTHING), max_size=8, unique_by=lambda one: one.der)):
            if self.upload_of(tenant, issued) is None:
                self._tick()
                trusted = self.world.trust(issued, tenant, uploaded_at=self.world.at)
                if self._holds_key(trusted):
                    self.world.change(trusted, proven_at=self.world.at)
        after = self._verdicts()
        for device, verdict in before.items():
            if isinstance(verdict, tuple) and verdict[0] != tenant:  # somebody else's before: as it was
                assert after[device] == verdict

    @rule(data=st.data())
    def an_outsider_withdraws(self, data: st.DataObject) -> None:
        """Nor does what an outsider disables or deletes, when possession is proven."""
        proven = [device for device in DEVICES if self._owner_has_proven(device)]
        before = self._verdicts()
        for trusted in self._of(data.draw(an_outsider)):
            if self._is_live(trusted):
                self.world.change(trusted, deleted_at=self.world.at)
        for device in proven:
            assert self._verdicts()[device.der] == before[device.der]

    @invariant()
    def the_owner_can_always_prove_and_connect(self) -> None:
        """Nobody is locked out for good: the holder of the key uploads it and proves it, whatever is there."""
        world = self.world
        trusted = replace(TrustWorld().trust(ROOT, OWNER, proven=True), id=len(world.uploads), uploaded_at=world.at)
        world.store.replace_trusted_certificates(OWNER, [*self._of(OWNER), trusted])
        for device in DEVICES:
            for sent in (len(device.chain), len(device.chain) - 1):
                verdict = world.connect(device.chain[:sent])
                assert isinstance(verdict, Admission)
                assert verdict.tenant == OWNER
        world.store.replace_trusted_certificates(OWNER, self._of(OWNER))

    def upload_of(self, tenant: TenantId, issued: Issued) -> TrustedCertificate | None:
        live = (one for one in self._of(tenant) if one.certificate.der == issued.der and self._is_live(one))
        return next(live, None)

    def _tick(self) -> None:
        self.world.at += timedelta(seconds=1)

    def _of(self, tenant: TenantId) -> list[TrustedCertificate]:
        return [one for one in self.world.uploads if one.tenant == tenant]

    @staticmethod
    def _is_live(trusted: TrustedCertificate) -> bool:
        return trusted.deleted_at is None

    @staticmethod
    def _holds_key(trusted: TrustedCertificate) -> bool:
        genuine = {read(of.der).public_key for of in (ROOT, HALL)}
        return trusted.tenant == OWNER or trusted.certificate.public_key not in genuine

    def _owner_has_proven(self, device: Issued) -> bool:
        above = [read(one.der) for one in device.above]
        return any(
            trusted.is_proven
            and (trusted.deleted_at is None or self.world.at < trusted.deleted_at + CLAIMS_OUTLIVE_DELETION)
            and any(trusted.certificate.has_identity_of(one) for one in above)
            for trusted in self._of(OWNER)
            if trusted.certificate.der in {one.der for one in GENUINE}
        )

    def _verdicts(self) -> dict[bytes, object]:
        return {device.der: outcome(self.world.connect(device)) for device in DEVICES}


def outcome(verdict: Admission | Refusal) -> object:
    """The tenant and certificate that admit, or the tenant that owns the device and why it is refused."""
    match verdict:
        case Admission():
            return verdict.tenant, verdict.trusted.id
        case Refusal(code=Code.UNKNOWN_ISSUER | Code.BAD_SIGNATURE | Code.INTERMEDIATE_MISSING):
            return "nobody's"
        case Refusal(code=Code.NAME_CONSTRAINT | Code.PATH_LENGTH_EXCEEDED):
            return "nobody's"  # a look-alike whose path does not verify is no claim
        case Refusal():
            return verdict.tenant, verdict.code


TrustMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestTrust = TrustMachine.TestCase
