"""The CA becomes a trusted certificate: uploaded, proven, enabled. Each step is done unless it has been done before."""

from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.cli.onboarding.platform import Certificate, Platform
from certinel.cli.terminal import CommandError
from certinel.pki.authority import CLOCK_SKEW, Authority
from certinel.pki.proof import signature_of

Tell = Callable[[str, str], None]
"""Tells the person what was done, and about what."""

_CODE = "proofOfPossessionUnsignedVerificationCode"
_USABLE_UNTIL = "proofOfPossessionVerificationCodeUsableUntil"
_IS_PROVEN = "proofOfPossessionValid"


def check_clocks(platform: Platform, now: datetime, tell: Tell) -> None:
    """Refuse a difference between the clocks by which a new certificate would not be valid on the platform."""
    theirs = platform.answered_at
    if theirs is None:
        return
    behind = now - theirs
    if behind >= CLOCK_SKEW:
        raise CommandError(
            f"the platform's clock is {_span(behind)} behind this one: certificates made now are not valid there yet;"
            " set the clocks right"
        )
    if abs(behind) >= timedelta(minutes=1):
        word = "behind" if behind > timedelta(0) else "ahead of"
        tell("Mind the clocks", f"the platform's is {_span(abs(behind))} {word} this one")


def trust(platform: Platform, tenant: str, name: str, ca: Authority, tell: Tell, *, auto_registration: bool) -> None:
    """Have the tenant trust a CA whose key is at hand; what was begun earlier is finished.

    Auto registration of a CA that is there already is left as it is.
    """
    fingerprint = ca.certificate.fingerprint(SHA1()).hex()  # noqa: S303 - the contract's name of a certificate
    found = platform.certificate(tenant, fingerprint)
    if found is None:
        pem = ca.certificate.public_bytes(Encoding.PEM).decode()
        found = platform.upload(tenant, name, pem, fingerprint, auto_registration=auto_registration)
        tell("CA uploaded", f"tenant {tenant}, fingerprint {fingerprint}")
    else:
        tell("CA is there already", f"tenant {tenant}, fingerprint {fingerprint}")
        auto_registration = _is_true(found.get("autoRegistrationEnabled"))
    _prove(platform, tenant, found, ca, fingerprint, tell)
    if found.get("status") == "ENABLED":
        tell("CA is enabled already", _registration(auto_registration))
    else:
        platform.enable(tenant, fingerprint, auto_registration=auto_registration)
        tell("CA enabled", _registration(auto_registration))


def _prove(platform: Platform, tenant: str, found: Certificate, ca: Authority, fingerprint: str, tell: Tell) -> None:
    if _is_true(found.get(_IS_PROVEN)):
        tell("Possession is proven already", ca.certificate.subject.rfc4514_string())
        return
    code = _code(platform, tenant, found, fingerprint) if _IS_PROVEN in found else None
    if code is None:
        tell("Possession cannot be proven", "this platform does not ask for it")
        return
    if not _is_true(platform.prove(tenant, fingerprint, signature_of(code.encode(), ca.key)).get(_IS_PROVEN)):
        raise CommandError(f"{platform.url} took the signed code, yet says that possession is not proven")
    tell("Possession proven", f"signed the code {code[:16]}… with the key of the CA")


def _code(platform: Platform, tenant: str, found: Certificate, fingerprint: str) -> str | None:
    """Return the code that is to be signed, a new one when it is missing or over; None when the platform has none."""
    if not found.get(_CODE) or _is_over(found.get(_USABLE_UNTIL), platform.answered_at):
        made = platform.new_code(tenant, fingerprint)
        return str(made[_CODE]) if made is not None and made.get(_CODE) else None
    return str(found[_CODE])


def _is_true(value: object) -> bool:
    """Read a truth that platforms write as JSON has it, or as text."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _is_over(until: object, now: datetime | None) -> bool:
    if not isinstance(until, str) or now is None:
        return False
    try:
        return datetime.fromisoformat(until) <= now
    except (ValueError, TypeError):
        return False


def _registration(is_on: bool) -> str:
    return "its devices register themselves" if is_on else "its devices must be registered before they connect"


def _span(time: timedelta) -> str:
    hours, seconds = divmod(int(time.total_seconds()), 3600)
    return f"{hours} h {seconds // 60} min" if hours else f"{seconds // 60} min"


def common_name_of(certificate: x509.Certificate) -> str:
    """Return what a certificate is called, as far as it says."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
