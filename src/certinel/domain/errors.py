"""Every refusal of a connection: a stable code, what is wrong, and what to do.

The codes are public and never change. How a boundary answers them (CONNACK, HTTP status) is decided there, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import TenantId


class DeviceIdentityError(Exception):
    """Base of all errors that carry a stable public ``code``."""

    code: ClassVar[str]


class Code(StrEnum):
    """Why a connection was refused."""

    NO_CERTIFICATE = "tls/no-certificate"
    CHAIN_TOO_LARGE = "chain/too-large"
    TOO_MANY_CERTIFICATES = "chain/too-many-certificates"
    MALFORMED = "certificate/malformed"
    VERSION = "certificate/version"
    WEAK_KEY = "certificate/weak-key"
    WEAK_SIGNATURE = "certificate/weak-signature"
    COMMON_NAME = "certificate/common-name"
    EXPIRED = "certificate/expired"
    NOT_YET_VALID = "certificate/not-yet-valid"
    WRONG_USAGE = "certificate/wrong-usage"
    IS_A_CA = "certificate/is-a-ca"
    UNKNOWN_ISSUER = "chain/unknown-issuer"
    INTERMEDIATE_MISSING = "chain/intermediate-missing"
    ISSUER_NOT_A_CA = "chain/issuer-not-a-ca"
    ISSUER_MAY_NOT_SIGN = "chain/issuer-may-not-sign"
    BAD_SIGNATURE = "chain/bad-signature"
    PATH_LENGTH_EXCEEDED = "chain/path-length-exceeded"
    CHAIN_TOO_LONG = "chain/too-long"
    NAME_CONSTRAINT = "chain/name-constraint"
    ISSUER_EXPIRED = "chain/issuer-expired"
    CHAIN_INVALID = "chain/invalid"
    TRUST_DISABLED = "trust/disabled"
    TRUST_DELETED = "trust/deleted"
    TRUST_EXPIRED = "trust/expired"
    NEEDS_PROOF = "trust/needs-proof-of-possession"
    AMBIGUOUS_TENANT = "trust/ambiguous-tenant"
    STALE_NODE = "trust/stale-node"
    DEVICE_REVOKED = "revocation/device"
    AUTHORITY_REVOKED = "revocation/authority"
    LIST_STALE = "revocation/list-stale"
    CLIENT_ID_MALFORMED = "client-id/malformed"
    CLIENT_ID_MISMATCH = "client-id/mismatch"
    WRONG_TENANT = "client-id/wrong-tenant"
    REGISTRATION_REQUIRED = "registration/required"
    REGISTRATION_LIMIT = "registration/limit-reached"
    OWNER_CONFLICT = "registration/owner-conflict"
    DEVICE_DISABLED = "device/disabled"
    TENANT_SUSPENDED = "tenant/suspended"
    TENANT_UNKNOWN = "tenant/unknown"
    WRONG_PASSWORD = "password/wrong"  # noqa: S105 - a code, not a password
    PROTOCOL_UNSUPPORTED = "protocol/unsupported"
    PROTOCOL_MALFORMED = "protocol/malformed"
    TRY_LATER = "overload/try-later"


class Explanation(NamedTuple):
    """What a refusal says. Fields in braces are filled from the refusal's facts."""

    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The decision not to let a connection in, with the facts that led to it."""

    code: Code
    facts: Mapping[str, str] = field(default_factory=dict)
    """Values for the sentence and the remedy of the code."""
    certificate: int | None = None
    """Which certificate of ``path`` is at fault, the device's own being 0; None when none is.

    While there is no path because a certificate could not be read, it counts the presented ones.
    """
    tenant: TenantId | None = None
    """The tenant with the best claim, which is shown this refusal; None leaves it to the management tenant."""
    other_tenants: tuple[TenantId, ...] = ()
    """Further tenants that have an equal claim and are shown this refusal."""
    path: tuple[Certificate, ...] = ()
    """The certificates that were looked at, the device's own first."""
    wording: Explanation | None = None
    """Other words than those of the code, for somebody who sees less than the whole platform."""

    @property
    def sentence(self) -> str:
        """What is wrong, in one sentence for the owner of the trusted certificate."""
        return (self.wording or EXPLANATIONS[self.code]).sentence.format_map(self._shown_facts())

    @property
    def remedy(self) -> str:
        """What to do about it, in one sentence."""
        return (self.wording or EXPLANATIONS[self.code]).remedy.format_map(self._shown_facts())

    def _shown_facts(self) -> "_Facts":
        return _Facts({name: shown(value) for name, value in self.facts.items()})

    @property
    def told_code(self) -> Code:
        """The code that the stranger at the other end may see (trust.md section 2)."""
        is_told = self.code not in HIDDEN_FROM_STRANGERS and (
            self.tenant is not None or self.code not in TOLD_TO_GENUINE_DEVICES
        )
        return self.code if is_told else Code.UNKNOWN_ISSUER

    @property
    def told_reason(self) -> str:
        """The sentence that the stranger may see, with its code in front."""
        if self.told_code is Code.UNKNOWN_ISSUER:
            return f"{Code.UNKNOWN_ISSUER}: {STRANGER_SENTENCE}"
        return f"{self.code}: {self.sentence}"


class _Facts(dict[str, str]):
    """Facts of which a missing one reads as a question mark: an explanation never fails."""

    def __missing__(self, key: str) -> str:
        return "?"


def shown(fact: str) -> str:
    """Write a fact so that it cannot deceive: strangers choose the names in their certificates."""
    cut = fact if len(fact) <= MAX_SHOWN_CHARACTERS else fact[:MAX_SHOWN_CHARACTERS] + "…"
    if cut.isprintable():
        return cut
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in cut
    )


MAX_SHOWN_CHARACTERS = 256
"""Of one fact in a sentence; a subject can have 32 KiB."""

HIDDEN_FROM_STRANGERS = frozenset(
    code
    for code in Code
    if code.startswith(("trust/", "revocation/", "registration/", "tenant/", "device/")) and code is not Code.STALE_NODE
) | {Code.UNKNOWN_ISSUER, Code.WRONG_TENANT}
"""Codes that depend on what some tenant has uploaded or set: the stranger reads ``chain/unknown-issuer``."""

TOLD_TO_GENUINE_DEVICES = frozenset(
    {
        Code.VERSION,
        Code.WEAK_KEY,
        Code.WEAK_SIGNATURE,
        Code.EXPIRED,
        Code.NOT_YET_VALID,
        Code.WRONG_USAGE,
        Code.IS_A_CA,
        Code.INTERMEDIATE_MISSING,
        Code.ISSUER_NOT_A_CA,
        Code.ISSUER_MAY_NOT_SIGN,
        Code.BAD_SIGNATURE,
        Code.PATH_LENGTH_EXCEEDED,
        Code.CHAIN_TOO_LONG,
        Code.NAME_CONSTRAINT,
        Code.ISSUER_EXPIRED,
        Code.CHAIN_INVALID,
    }
)
"""Faults of a path, which exists only because some tenant has uploaded its end.

They are told when signatures connect the chain with that tenant, which is then known; to anybody else they would tell
which CAs are uploaded here.
"""

STRANGER_SENTENCE = "this platform does not admit the presented certificate chain; its owner finds the reason there"

EXPLANATIONS: Mapping[Code, Explanation] = MappingProxyType(
    {
        Code.NO_CERTIFICATE: Explanation(
            "The client sent neither a certificate nor a user name with a password.",
            "Configure the device's certificate chain and private key in its MQTT client.",
        ),
        Code.CHAIN_TOO_LARGE: Explanation(
            "The presented certificates take {size} bytes; at most {limit} are read.",
            "Send only the device certificate and its issuers.",
        ),
        Code.TOO_MANY_CERTIFICATES: Explanation(
            "{count} certificates were presented; at most {limit} are read.",
            "Send only the device certificate and its issuers.",
        ),
        Code.MALFORMED: Explanation(
            "Certificate {position} cannot be read: {reason}.",
            "Make the certificate again with a standard tool, for example openssl or certinel pki.",
        ),
        Code.VERSION: Explanation(
            "Certificate {subject} is of X.509 version {version}, which has no extensions.",
            "Issue it as version 3; only directly under the trusted certificate may a device certificate be version 1.",
        ),
        Code.WEAK_KEY: Explanation(
            "The key of {subject} is not accepted: {key}.",
            "Use RSA of 2048 to 8192 bits or EC on P-256, P-384 or P-521; Ed25519 for device certificates only.",
        ),
        Code.WEAK_SIGNATURE: Explanation(
            "Certificate {subject} is signed with {algorithm}, which is not safe.",
            "Issue it again with SHA-256 or better.",
        ),
        Code.COMMON_NAME: Explanation(
            "The common name of the device certificate is not usable: {reason}.",
            "Issue a device certificate with exactly one common name of 1 to 64 characters without ':'.",
        ),
        Code.EXPIRED: Explanation(
            "The device certificate {subject} expired on {date}.",
            "Renew the device certificate.",
        ),
        Code.NOT_YET_VALID: Explanation(
            "The device certificate {subject} is valid only from {date}.",
            "Wait until then, or check the clock of the machine that issued the certificate.",
        ),
        Code.WRONG_USAGE: Explanation(
            "The extended key usage of {subject} does not allow client authentication.",
            "Issue it with the usage clientAuth, or without extended key usage.",
        ),
        Code.IS_A_CA: Explanation(
            "The device certificate {subject} is itself a CA certificate.",
            "Issue the device certificate with CA:FALSE, or upload exactly this certificate as trusted certificate.",
        ),
        Code.UNKNOWN_ISSUER: Explanation(
            "No tenant trusts a certificate that issued {subject}; its issuer is {issuer}.",
            "Upload the CA certificate {issuer} as trusted certificate, "
            "or let the device send its intermediate certificates.",
        ),
        Code.INTERMEDIATE_MISSING: Explanation(
            "The chain does not reach the trusted certificate: the certificate of {issuer}, "
            "which issued {subject}, was not sent.",
            "Let the device send its whole chain, or upload the missing intermediate certificate.",
        ),
        Code.ISSUER_NOT_A_CA: Explanation(
            "{subject} signed a certificate of the chain but is no CA: BasicConstraints CA:TRUE is missing.",
            "Issue it again with BasicConstraints CA:TRUE.",
        ),
        Code.ISSUER_MAY_NOT_SIGN: Explanation(
            "The key usage of {subject} does not allow it to sign certificates.",
            "Issue it again with the key usage keyCertSign.",
        ),
        Code.BAD_SIGNATURE: Explanation(
            "The signature of {subject} was not made with the key of {issuer}.",
            "Check which CA issued the certificate: another CA of the same name, or a CA whose key was replaced.",
        ),
        Code.PATH_LENGTH_EXCEEDED: Explanation(
            "{subject} allows {allowed} CA certificates between it and the device (pathlen), the path has {found}.",
            "Issue the device certificate closer to {subject}, or issue {subject} with a larger pathlen.",
        ),
        Code.CHAIN_TOO_LONG: Explanation(
            "The path has {length} certificates, the trusted one included; trust.max_chain_length allows {limit}.",
            "Raise trust.max_chain_length (CERTINEL_TRUST__MAX_CHAIN_LENGTH), "
            "or upload the issuing intermediate certificate.",
        ),
        Code.NAME_CONSTRAINT: Explanation(
            "A CA of the chain does not allow the names of {subject}: {reason}.",
            "Issue the device certificate with names that the CA's name constraints allow.",
        ),
        Code.ISSUER_EXPIRED: Explanation(
            "The intermediate certificate {subject} is not valid now: its validity is {not_before} to {not_after}.",
            "Renew the intermediate certificate and give the devices the new chain.",
        ),
        Code.CHAIN_INVALID: Explanation(
            "The chain does not pass verification: {reason}.",
            "Check the chain with certinel explain, and issue the certificate that it marks again.",
        ),
        Code.TRUST_DISABLED: Explanation(
            "The trusted certificate {name} is {state}.",
            "{what}.",
        ),
        Code.TRUST_DELETED: Explanation(
            "The trusted certificate {name} was deleted on {date}.",
            "Upload it again if its devices are to connect.",
        ),
        Code.TRUST_EXPIRED: Explanation(
            "The trusted certificate {name} is not valid now: its validity is {not_before} to {not_after}.",
            "Renew the CA with the same key, and upload the renewed certificate.",
        ),
        Code.NEEDS_PROOF: Explanation(
            "The possession of the trusted certificate {name} is not proven, and {why}.",
            "Prove the possession of the certificate's private key.",
        ),
        Code.AMBIGUOUS_TENANT: Explanation(
            "Several tenants have proven the possession of the CA of this device.",
            "Let the device send its tenant as MQTT user name, or use a CA for one tenant only.",
        ),
        Code.STALE_NODE: Explanation(
            "This node cannot confirm that its list of trusted certificates is current.",
            "Connect again later; the operator checks the node's connection to the database.",
        ),
        Code.DEVICE_REVOKED: Explanation(
            "The device certificate {subject} with serial {serial} is revoked since {date}.",
            "Give the device a new certificate, if it is still yours.",
        ),
        Code.AUTHORITY_REVOKED: Explanation(
            "The certificate {subject} with serial {serial}, an issuer of the chain, is revoked since {date}.",
            "Issue the device certificate under another CA.",
        ),
        Code.LIST_STALE: Explanation(
            "The check against revocation lists is on, and there is no current list of {subject}.",
            "Upload the current revocation list of this CA.",
        ),
        Code.CLIENT_ID_MALFORMED: Explanation(
            "The MQTT client id {client_id} is not of the form DEVICE, d:DEVICE or d:DEVICE:TEMPLATES.",
            "Use the common name of the device certificate as client id.",
        ),
        Code.CLIENT_ID_MISMATCH: Explanation(
            "The MQTT client id names the device {device}, the certificate's common name is {common_name}.",
            "Use the common name of the device certificate as client id, with the same upper and lower case.",
        ),
        Code.WRONG_TENANT: Explanation(
            "The client names the tenant {tenant}, which has no trusted certificate for this chain.",
            "Leave the user name out, or upload the CA certificate to this tenant.",
        ),
        Code.REGISTRATION_REQUIRED: Explanation(
            "The device {device} is not registered, and auto registration of the trusted certificate {name} is off.",
            "Register the device by bulk registration, or switch auto registration on.",
        ),
        Code.REGISTRATION_LIMIT: Explanation(
            "The tenant has reached its limit of {limit} devices.",
            "Delete devices that are no longer used, or let the operator raise the limit.",
        ),
        Code.OWNER_CONFLICT: Explanation(
            "The external id {device} belongs to an object of another owner, {owner}.",
            "Delete or re-assign that object, or give the device another name.",
        ),
        Code.DEVICE_DISABLED: Explanation(
            "The device user of {device} is disabled.",
            "Enable the device user.",
        ),
        Code.TENANT_SUSPENDED: Explanation(
            "The tenant {tenant} is suspended.",
            "The operator of the platform can resume the tenant.",
        ),
        Code.TENANT_UNKNOWN: Explanation(
            "There is no tenant {tenant}.",
            "Correct the tenant in the client's user name, or leave the user name out.",
        ),
        Code.WRONG_PASSWORD: Explanation(
            "The user name or the password is wrong.",
            "Use TENANT/USER as user name with that user's password; devices with a certificate need neither.",
        ),
        Code.PROTOCOL_UNSUPPORTED: Explanation(
            "The client speaks a protocol that is not supported: {reason}.",
            "Use MQTT 3.1, 3.1.1 or 5.0.",
        ),
        Code.PROTOCOL_MALFORMED: Explanation(
            "The client broke the rules of MQTT: {reason}.",
            "Check or update the client's MQTT library.",
        ),
        Code.TRY_LATER: Explanation(
            "The platform is busy: {reason}.",
            "Connect again after a random delay.",
        ),
    }
)
