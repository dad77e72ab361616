"""The certificates of a simulated fleet: one for each device, with a key of its own, made on the fly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509

from certinel.pki.authority import Authority, Validity, distinguished_name, issue_device, make_ca
from certinel.pki.keys import KeyType, PrivateKey, generate_key
from certinel.simulation.plan import Fault, Plan

VALID_FOR = timedelta(days=1)
"""Simulated devices are not to be found among the real ones for long."""
EXPIRED_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """One device: who it is, who it says it is, and what is wrong with it."""

    name: str
    client_id: str
    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    above: Sequence[x509.Certificate] = ()
    """What it presents behind its own certificate."""
    fault: Fault | None = None


class FleetMaker:
    """Makes devices below a CA of yours, and below one that nobody trusts.

    Nothing is written, and the index of the CA does not know these certificates: they end within a day.
    """

    def __init__(self, plan: Plan, issuer: Authority, above: Sequence[x509.Certificate], at: datetime) -> None:
        self._plan = plan
        self._issuer = issuer
        self._above = tuple(above)
        end = min(at + VALID_FOR, issuer.certificate.not_valid_after_utc)
        self._good = Validity(Validity.of_days(1, at=at).not_before, end.replace(microsecond=0))
        self._past = Validity(at - EXPIRED_FOR - VALID_FOR, at - EXPIRED_FOR)
        self._stranger = make_ca(distinguished_name("nobody's CA"), generate_key(), Validity.of_days(2, at=at))

    def __iter__(self) -> Iterator[Identity]:
        for number, fault in enumerate(self._plan.faults()):
            yield self._made(self._plan.name_of(number), fault)

    def _made(self, name: str, fault: Fault | None) -> Identity:
        key = generate_key(KeyType.EC_P256)
        issuer = self._stranger if fault is Fault.UNKNOWN_CA else self._issuer
        validity = self._past if fault is Fault.EXPIRED else self._good
        certificate = issue_device(issuer, name, key.public_key(), validity)
        above = (self._stranger.certificate,) if fault is Fault.UNKNOWN_CA else self._above
        client_id = f"{name}-of-another" if fault is Fault.WRONG_NAME else name
        return Identity(name, f"d:{client_id}", certificate, key, above, fault)
