"""Several tenants and one CA on a real node: who there is, what tenants can do, and how devices connect."""

from __future__ import annotations

import base64
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certinel.mqtt.packets import Pingreq, Pingresp, Publish
from support.certificates import AT, VALID, DeviceFiles, Issued, pem_of, root_authority
from support.node import ADMIN_PASSWORD
from support.node_here import NodeHere
from support.ownership import ADMITTED, NOBODYS, Attempt, Authority, Certificate, Device, Verdict
from support.wire_device import ConnectionEnded, WireDevice, wire_device_with

OPERATOR = "management"
TENANTS = ("t1000", "t2000", "t3000")
YEARS_IN_SECONDS = str(int(timedelta(days=3650).total_seconds()))


def _evil_twin(of: Issued) -> Issued:
    identifier = of.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return root_authority("", subject=of.certificate.subject, key_identifiers=False, extensions=[(identifier, False)])


_PLANT = root_authority("Plant CA", valid=(VALID[0], AT + timedelta(days=60)))
_HALL = _PLANT.authority("Hall 3")
_TWIN = _evil_twin(_PLANT)
_MALLORY = root_authority("Mallory")

TWIN = "evil twin of plant"
CERTIFICATES: Mapping[str, Issued] = {
    "plant": _PLANT,
    "renewed plant": _PLANT.renewed(valid=VALID),
    "look-alike of plant": _MALLORY.authority("", subject=_PLANT.certificate.subject, key=_PLANT.key),
    "hall": _HALL,
    TWIN: _TWIN,
}
"""What tenants upload. The look-alike has the name and the key of the plant; anybody can make one."""

DEVICES: Mapping[str, Issued] = {
    "pump": _PLANT.device("pump"),
    "press of the hall": _HALL.device("press"),
    "pump of the twin": _TWIN.device("pump"),
}

PLANT = Authority("plant")
HALL = Authority("hall", PLANT)
TWIN_OF_PLANT = Authority("twin")
MODELLED_CERTIFICATES = {
    name: Certificate(authority, issued.certificate.serial_number, issued.certificate.not_valid_after_utc)
    for (name, issued), authority in zip(CERTIFICATES.items(), (PLANT, PLANT, PLANT, HALL, TWIN_OF_PLANT), strict=True)
}
MODELLED_DEVICES = {
    name: Device(name.split(maxsplit=1)[0], authority, issued.certificate.serial_number)
    for (name, issued), authority in zip(DEVICES.items(), (PLANT, HALL, TWIN_OF_PLANT), strict=True)
}
_CHAINS = {
    "alone": {name: (issued,) for name, issued in DEVICES.items()},
    "with its CAs": {name: issued.chain for name, issued in DEVICES.items()},
    "with a foreign CA": {
        name: (issued, _PLANT if issued.above == (_TWIN,) else _TWIN) for name, issued in DEVICES.items()
    },
}
SENT = tuple(_CHAINS)


@dataclass(frozen=True)
class Connect:
    """How a device connects."""

    device: str
    sent: str = "with its CAs"
    named: str | None = None
    by_server_name: bool = False

    @property
    def chain(self) -> tuple[Issued, ...]:
        return _CHAINS[self.sent][self.device]

    @property
    def user_name(self) -> str | None:
        return None if self.by_server_name else self.named

    @property
    def server_name(self) -> str | None:
        return _domain(self.named) if self.named is not None and self.by_server_name else None

    @property
    def modelled(self) -> Attempt:
        device = MODELLED_DEVICES[self.device]
        above = {device.issuer, device.issuer.issuer} if self.sent == "with its CAs" else set()
        return Attempt(device, tuple(one for one in above if one is not None), self.named)


def _domain(tenant: str) -> str:
    return f"{tenant}.example.com"


@dataclass
class LiveSession:
    """A connected device."""

    connect: Connect
    tenant: str
    token: str
    wire: WireDevice
    open: AsyncExitStack

    @property
    def key(self) -> tuple[str, str]:
        return self.tenant, MODELLED_DEVICES[self.connect.device].name


@dataclass
class ContestedCa:
    """A running node with the three tenants, each with its domain and its own list of revoked serial numbers."""

    node: NodeHere
    files: Path
    tokens: dict[str, str] = field(default_factory=dict)
    callers: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    def begin(self) -> None:
        """Start for the first time: make the tenants and sign everybody in, for years."""
        self.node.start()
        self.node.run(self._make_tenants())
        self._hire_callers()

    def start(self) -> None:
        """Start on what was begun."""
        self.node.start()
        self._hire_callers()

    def copy(self, folder: Path) -> ContestedCa:
        """What this one, which is stopped, is on SQLite, once more."""
        shutil.copytree(self.node.data_folder, folder)
        return ContestedCa(NodeHere(folder), self.files, self.tokens)

    def restart(self) -> None:
        self.node.stop()
        self.start()

    def _hire_callers(self) -> None:
        self.callers = {
            tenant: self.node.rest(headers={"Authorization": f"Bearer {token}"})
            for tenant, token in self.tokens.items()
        }

    async def _make_tenants(self) -> None:
        operator = self.node.rest(auth=(f"{OPERATOR}/admin", ADMIN_PASSWORD))
        for key in ("body-token.lifespan.seconds", "device-token.lifespan.seconds"):
            _done(await operator.put(f"/tenant/options/oauth.internal/{key}", json={"value": YEARS_IN_SECONDS}))
        _done(await operator.put("/tenant/tenants/t1000", json={"domain": _domain("t1000")}))
        for tenant in TENANTS[1:]:
            draft = {"id": tenant, "domain": _domain(tenant), "adminName": "admin", "adminPass": ADMIN_PASSWORD}
            _done(await operator.post("/tenant/tenants", json=draft))
        for tenant in (OPERATOR, *TENANTS):
            form = {"grant_type": "PASSWORD", "username": "admin", "password": ADMIN_PASSWORD}
            signed_in = _done(await operator.post("/tenant/oauth/token", params={"tenant_id": tenant}, data=form))
            self.tokens[tenant] = token = signed_in.json()["access_token"]
            path, bearer = (
                "/tenant/options/configuration/crl.offline.check.enabled",
                {"Authorization": f"Bearer {token}"},
            )
            _done(await operator.put(path, json={"value": "true"}, headers=bearer, auth=None))

    def call(self, caller: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """One REST call as the administrator of a tenant."""
        return self.node.run(self.callers[caller].request(method, path, json=body))

    def signed_code(self, tenant: str, certificate: str, *, key_of: str) -> str:
        """The signature of the verification code, of a new one when the last is too old; of nothing without one."""
        trusted = self.call(tenant, "GET", certificate_path(tenant, certificate)).json()
        until = trusted.get("proofOfPossessionVerificationCodeUsableUntil")
        if until is not None and datetime.fromisoformat(until) < self.node.clock.now():
            trusted = self.call(tenant, "POST", f"{possession_path(tenant, certificate)}/verification-code").json()
        key = CERTIFICATES[key_of].key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        code = trusted.get("proofOfPossessionUnsignedVerificationCode", "")
        return base64.b64encode(key.sign(code.encode(), ec.ECDSA(hashes.SHA256()))).decode()

    def connect(self, connect: Connect) -> LiveSession | None:
        """Connect as a device does; None when it is refused."""
        return self.node.run(self._connect(connect))

    async def _connect(self, connect: Connect) -> LiveSession | None:
        async with AsyncExitStack() as opened:
            wire = await opened.enter_async_context(
                wire_device_with(self._files_of(connect), self.node.facts.mqtt_port, server_name=connect.server_name)
            )
            name = MODELLED_DEVICES[connect.device].name
            answer = await wire.connect(name, keep_alive=0, user_name=connect.user_name)
            if answer.code != 0:
                return None
            await wire.subscribe("s/dat", qos=0)
            await wire.send(Publish("s/uat", b""))
            given = await wire.receive()
            assert isinstance(given, Publish)
            token = given.payload.decode().removeprefix("71,")
            return LiveSession(connect, _tenant_in(token), token, wire, opened.pop_all())
        raise AssertionError  # a context manager could have swallowed what was raised

    def _files_of(self, connect: Connect) -> DeviceFiles:
        chain, key = self.files / f"{connect.device} {connect.sent}.pem", self.files / f"{connect.device}.key"
        chain.write_text(pem_of(*connect.chain))
        key.write_text(connect.chain[0].key_pem())
        return DeviceFiles(connect.device, chain, key)

    def is_alive(self, session: LiveSession) -> bool:
        """Ask for a sign of life."""
        return self.node.run(_is_alive(session.wire))

    def has_ended(self, session: LiveSession) -> bool:
        """Wait until the node has ended a session; false when it says something else."""
        return self.node.run(_ended_in_silence(session))

    def accepts_token(self, token: str) -> bool:
        answer = self.node.run(
            self.callers[OPERATOR].get("/tenant/currentTenant", headers={"Authorization": f"Bearer {token}"})
        )
        assert answer.status_code in {200, 401}, answer.text
        return answer.status_code == 200

    def explained(self, viewer: str, connect: Connect) -> Verdict:
        """What a tenant, or the operator, reads of a connect."""
        question = {"chain": pem_of(*connect.chain), "tenant": connect.named}
        return _verdict_in(_done(self.call(viewer, "POST", "/certinel/explanations", question)).json())

    def verified(self, viewer: str, connect: Connect) -> str | None:
        """The tenant that verify-cert-chain says would let the device in."""
        answer = self.node.run(
            self.callers[viewer].post(
                "/tenant/trusted-certificates/verify-cert-chain",
                files={"file": pem_of(*connect.chain).encode()},
                data={"tenantId": connect.named} if connect.named is not None else {},
            )
        )
        assert answer.status_code in {200, 401}, answer.text
        tenant: str | None = answer.json().get("tenantId")
        return tenant

    def attempts(self, tenant: str, since: datetime) -> Counter[tuple[str, str]]:
        """How often what device was told what, as the tenant has it listed."""
        query = httpx.QueryParams(pageSize=2000, dateFrom=since.isoformat())
        listed = _done(self.call(tenant, "GET", f"/certinel/connectionAttempts?{query}")).json()
        counted: Counter[tuple[str, str]] = Counter()
        for one in listed["connectionAttempts"]:
            counted[one["code"], one["device"]] += one["count"]
        return counted


def certificate_path(tenant: str, certificate: str) -> str:
    return f"/tenant/tenants/{tenant}/trusted-certificates/{CERTIFICATES[certificate].fingerprint}"


def possession_path(tenant: str, certificate: str) -> str:
    return f"/tenant/tenants/{tenant}/trusted-certificates-pop/{CERTIFICATES[certificate].fingerprint}"


async def _is_alive(wire: WireDevice) -> bool:
    await wire.send(Pingreq())
    try:
        return isinstance(await wire.receive(), Pingresp)
    except ConnectionEnded:
        return False


async def _ended_in_silence(session: LiveSession) -> bool:
    try:
        rest = await session.wire.receive_until_end()
    except TimeoutError:
        return False
    await session.open.aclose()
    return rest == []


def _verdict_in(told: Mapping[str, Any]) -> Verdict:
    tenants = frozenset(one for one in (told.get("tenant"), *(told.get("otherTenants") or ())) if one is not None)
    if told["verdict"] == "ADMITTED":
        return Verdict(ADMITTED, tenants)
    return Verdict(told["refusal"]["code"], tenants) if tenants else Verdict(NOBODYS)


def _tenant_in(token: str) -> str:
    claims = token.split(".")[1]
    tenant: str = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["ten"]
    return tenant


def _done(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer
