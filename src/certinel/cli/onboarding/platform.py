"""A platform that speaks the device certificate contract, as far as bringing in a CA needs it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from certinel.cli.reachability import check_server, trust_in
from certinel.cli.terminal import EXIT_USAGE, CommandError

PATIENCE_SECONDS: Final = 30.0
HTTPS_PORT: Final = 443
LARGEST_PAGE: Final = 2000
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")

Certificate = Mapping[str, Any]
"""A trusted certificate, as REST gives it."""


class Platform:
    """One platform, asked as one user. Whatever keeps it from answering is a CommandError that says what to do."""

    def __init__(self, url: str, user: str, password: str, server_ca: Path | None) -> None:
        try:
            self.url = httpx.URL(url)
        except httpx.InvalidURL:
            raise CommandError(f"{url!r} is no address as https://localhost:8443", EXIT_USAGE) from None
        is_encrypted = self.url.scheme == "https"
        if not self.url.host or not (is_encrypted or (self.url.scheme == "http" and self.url.host in LOOPBACK_NAMES)):
            raise CommandError(f"{url!r} is no address as https://localhost:8443; a password needs https", EXIT_USAGE)
        if is_encrypted:
            check_server(self.url.host, self.url.port or HTTPS_PORT, server_ca)
        self._user = user
        self._client = httpx.Client(
            base_url=self.url,
            verify=trust_in(server_ca) if is_encrypted else True,
            auth=httpx.BasicAuth(user, password),
            timeout=PATIENCE_SECONDS,
            headers={"Accept": "application/json"},
        )
        self._answered_at: datetime | None = None

    @property
    def answered_at(self) -> datetime | None:
        """The platform's clock when it last answered, to the second; None when it does not say."""
        return self._answered_at

    def tenant(self) -> str:
        """Return the tenant of the user, which shows that user and password are right."""
        return str(self._asked("GET", "/tenant/currentTenant")["name"])

    def certificate(self, tenant: str, fingerprint: str) -> Certificate | None:
        """Return a trusted certificate of the tenant, or None when it has none of that fingerprint."""
        path = f"/tenant/tenants/{tenant}/trusted-certificates/{fingerprint}"
        answer = self._sent("GET", path)
        return None if answer.status_code == HTTPStatus.NOT_FOUND else self._read(answer)

    def _listed(self, tenant: str, fingerprint: str) -> Certificate | None:
        """Look for a certificate in the list, for platforms that show single ones to nobody."""
        path = f"/tenant/tenants/{tenant}/trusted-certificates?pageSize={LARGEST_PAGE}"
        found = self._asked("GET", path).get("certificates", [])
        return next((one for one in found if str(one.get("fingerprint")).lower() == fingerprint), None)

    def upload(self, tenant: str, name: str, pem: str, fingerprint: str, *, auto_registration: bool) -> Certificate:
        """Upload a CA, not enabled yet; one that the tenant turns out to have is returned as it is."""
        body = {
            "name": name,
            "status": "DISABLED",
            "autoRegistrationEnabled": auto_registration,
            "certInPemFormat": pem,
        }
        answer = self._sent("POST", f"/tenant/tenants/{tenant}/trusted-certificates", body)
        if answer.status_code == HTTPStatus.CONFLICT:
            present = self._listed(tenant, fingerprint)
            if present is not None:
                return present
            raise CommandError(
                f"another tenant of {self.url} has this CA already, and only one may: {_message(answer)}"
            )
        return self._read(answer)

    def new_code(self, tenant: str, fingerprint: str) -> Certificate | None:
        """Have a new verification code made; None when the platform has none to give."""
        path = f"/tenant/tenants/{tenant}/trusted-certificates-pop/{fingerprint}/verification-code"
        answer = self._sent("POST", path)
        return None if answer.status_code == HTTPStatus.NOT_FOUND else self._read(answer)

    def prove(self, tenant: str, fingerprint: str, signature: str) -> Certificate:
        """Hand in the signature of the verification code."""
        body = {"proofOfPossessionSignedVerificationCode": signature}
        return self._asked("POST", f"/tenant/tenants/{tenant}/trusted-certificates-pop/{fingerprint}/pop", body)

    def enable(self, tenant: str, fingerprint: str, *, auto_registration: bool) -> Certificate:
        """Let the CA's devices connect."""
        body = {"status": "ENABLED", "autoRegistrationEnabled": auto_registration}
        return self._asked("PUT", f"/tenant/tenants/{tenant}/trusted-certificates/{fingerprint}", body)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Certificate:
        return self._read(self._sent(method, path, body))

    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandError(f"{self.url}: {str(error) or type(error).__name__}", EXIT_USAGE) from None
        self._answered_at = _moment(answer.headers.get("Date"))
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise CommandError(f"{self.url} does not know {self._user} with this password", EXIT_USAGE)
        if answer.status_code == HTTPStatus.FORBIDDEN:
            raise CommandError(
                f"{self._user} may not do this: it takes ROLE_TENANT_ADMIN or ROLE_TENANT_MANAGEMENT_ADMIN"
                f" ({_message(answer)})"
            )
        return answer

    def _read(self, answer: httpx.Response) -> Certificate:
        if not answer.is_success:
            raise CommandError(f"{self.url} answers {answer.status_code}: {_message(answer)}")
        try:
            found: Certificate = answer.json()
        except ValueError:
            raise CommandError(f"{answer.url} does not answer in JSON: is it a platform?", EXIT_USAGE) from None
        if not isinstance(found, dict):
            raise CommandError(f"{answer.url} gives an answer that is not of the contract", EXIT_USAGE)
        return found


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def _moment(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date or "").astimezone(UTC)
    except ValueError:
        return None
