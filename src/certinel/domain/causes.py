"""What usually lies behind a refusal, for whoever looks a code up. Words only: no decision is taken from them."""

from collections.abc import Mapping
from types import MappingProxyType

from certinel.domain.errors import Code

CAUSES: Mapping[Code, str] = MappingProxyType(
    {
        Code.NO_CERTIFICATE: "The client was configured for TLS without a certificate of its own, or its library sent "
        "none because the certificate and the key do not belong together.",
        Code.CHAIN_TOO_LARGE: "The file with the chain holds more than the chain: a bundle of public CAs, or "
        "certificates with very large extensions.",
        Code.TOO_MANY_CERTIFICATES: "The file with the chain holds a whole bundle of CAs, or the same certificates "
        "were appended to it again and again.",
        Code.MALFORMED: "The certificate was made or changed by a program that does not keep to DER, or a byte was "
        "lost on the way to the device.",
        Code.VERSION: "The certificate was signed without an extensions section: `openssl x509 -req` without "
        "`-extfile` makes version 1 certificates.",
        Code.WEAK_KEY: "An old script makes keys of 1024 bits, or a hardware module uses a curve that is not accepted.",
        Code.WEAK_SIGNATURE: "The CA still signs with SHA-1 or MD5, often because its configuration file is older than "
        "the program that reads it.",
        Code.COMMON_NAME: "The subject has no common name or two of them, or a serial number with colons, such as a "
        "MAC address, was taken as the name.",
        Code.EXPIRED: "The certificate was not renewed in time, or the platform's clock is ahead.",
        Code.NOT_YET_VALID: "The machine that issued the certificate has a clock that is ahead, or writes local time "
        "as UTC.",
        Code.WRONG_USAGE: "The certificate was issued for a server: its extended key usage lists serverAuth only.",
        Code.IS_A_CA: "The device uses its CA's certificate instead of its own, or was issued with the extensions of "
        "a CA (`-extensions v3_ca`).",
        Code.UNKNOWN_ISSUER: "The CA was never uploaded, or to another installation; the device sends only its own "
        "certificate while an intermediate was left out; or a test certificate reached production.",
        Code.INTERMEDIATE_MISSING: "The file of the device has its own certificate and the root, without what stands "
        "between them.",
        Code.ISSUER_NOT_A_CA: "An intermediate was signed with the extensions of a device: `-extensions v3_signed` "
        "where `v3_ca` was meant.",
        Code.ISSUER_MAY_NOT_SIGN: "The CA was issued with a key usage that leaves keyCertSign out.",
        Code.BAD_SIGNATURE: "A CA was made again under its old name, and the device still holds a certificate of the "
        "one before; or somebody tries a forged chain.",
        Code.PATH_LENGTH_EXCEEDED: "An intermediate was added below a CA whose pathlen does not leave room for it.",
        Code.CHAIN_TOO_LONG: "The devices are below an intermediate CA while the root is uploaded, and the platform "
        "allows two certificates, which is its default.",
        Code.NAME_CONSTRAINT: "The CA may issue for some names only, and the device has another one.",
        Code.ISSUER_EXPIRED: "The intermediate was renewed, and the devices still send the old one.",
        Code.CHAIN_INVALID: "One of the two verifiers finds a fault that has no code of its own, such as a critical "
        "extension that it does not know.",
        Code.TRUST_DISABLED: "Somebody disabled the trusted certificate, or it was uploaded disabled or without being "
        "added to the trust store.",
        Code.TRUST_DELETED: "The trusted certificate was deleted in the last 30 days, on purpose or while tidying up.",
        Code.TRUST_EXPIRED: "The CA itself has ended; every device below it is concerned.",
        Code.NEEDS_PROOF: "The CA was uploaded, and nobody has signed its verification code yet.",
        Code.AMBIGUOUS_TENANT: "One CA serves several tenants of this platform, each of which has proven that it holds "
        "the key.",
        Code.STALE_NODE: "The database does not answer this node: it is down, overloaded or cut off.",
        Code.DEVICE_REVOKED: "The certificate is on a revocation list: the device was lost, sold, or got a new one. "
        "Where serial numbers repeat, a revoked serial number without its issuer may hit another device.",
        Code.AUTHORITY_REVOKED: "An intermediate CA is on a revocation list; every device below it is concerned. "
        "With the recipe of the walk-through an intermediate and its first device have the same serial number.",
        Code.LIST_STALE: "The tenant asks for current lists, and the list of this CA has passed its next update, or "
        "was never uploaded.",
        Code.CLIENT_ID_MALFORMED: "The client id is empty, made up by the library, or has more parts than the form "
        "allows.",
        Code.CLIENT_ID_MISMATCH: "The client id was typed by hand, or is a serial number while the certificate holds "
        "another name.",
        Code.WRONG_TENANT: "The client sends a user name left over from signing in with a password, which names "
        "another tenant than the one that trusts its CA.",
        Code.REGISTRATION_REQUIRED: "The device is new, and the trusted certificate does not let devices register "
        "themselves.",
        Code.REGISTRATION_LIMIT: "The fleet has grown to what its tenant is allowed, or many test devices were left "
        "behind.",
        Code.OWNER_CONFLICT: "An object with this device's external id was made by a person or another device before "
        "the device itself came.",
        Code.DEVICE_DISABLED: "Somebody keeps this one device out.",
        Code.TENANT_SUSPENDED: "The operator of the platform has suspended the tenant.",
        Code.TENANT_UNKNOWN: "The client sends a user name of the form TENANT/USER with a tenant that is not here.",
        Code.WRONG_PASSWORD: "The password was changed, the tenant before the slash is missing, or a client without a "
        "certificate guesses.",
        Code.PROTOCOL_UNSUPPORTED: "The client speaks another version or dialect of MQTT, or asks for what no version "
        "has.",
        Code.PROTOCOL_MALFORMED: "The client's library has a fault, or the peer is no MQTT client at all.",
        Code.TRY_LATER: "Many devices came at once, one address comes too often, or a tenant has too many sessions.",
    }
)
