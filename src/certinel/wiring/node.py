"""A node: everything built from the settings, started in order, stopped in the opposite order."""

import asyncio
import gc
import json
import os
import resource
import sys
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from certinel.api.server import HttpServer
from certinel.config import Settings, WrongSettingError
from certinel.domain.admission import TrustPolicy
from certinel.domain.host_name import HostNames
from certinel.gateway.buckets import Rate
from certinel.gateway.crowd import Crowd, CrowdOptions
from certinel.gateway.gateway import Gateway
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.listener import Listener, PortUnavailableError
from certinel.gateway.surroundings import GatewayOptions
from certinel.gateway.tls import ServerCertificateError, ServerTls, TlsOptions
from certinel.mqtt.limits import SessionLimits
from certinel.services import audit, first_start, proof_advice
from certinel.services.clock import Clock, SystemClock
from certinel.services.first_start import Beginnings, FirstAdministrators
from certinel.services.key_rotation import KeySchedule
from certinel.services.passwords import Passwords
from certinel.services.platform import Platform, PlatformOptions
from certinel.services.secrets import SealedSecretUnreadableError, Sealer
from certinel.services.signing_keys import SigningAlgorithm
from certinel.storage.engine import Database
from certinel.storage.errors import StorageError
from certinel.wiring.data_directory import DataDirectory, DataDirectoryError, write_public
from certinel.wiring.http_application import HttpApplication
from certinel.wiring.server_identity import ServerIdentity, ensure_server_identity, names_in

GARBAGE_THRESHOLD = 20_000
"""Container objects between two collections of the young ones: some hundred connections instead of a few."""

SPARE_FILES = 500
"""Of those that the system lets the process open: no number of connections takes them from the database."""

SHARE_OF_MQTT, SHARE_OF_HTTP = 0.8, 0.1
"""Of the connections that the system lets the process have: of MQTT, and of each of the two ports of HTTP."""

logger = structlog.get_logger(__name__)

MAX_PROOF_NOTES = 10
"""So many trusted certificates without proof are named on the console; all are in the log and in REST."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """Where a running node is to be found, for the console and for scripts."""

    data_dir: Path
    server_ca: Path | None
    """What devices have to trust; None when the operator brought the certificate."""
    host_name: str
    mqtt_port: int
    https_port: int
    http_port: int | None
    administrators: FirstAdministrators | None
    """On the very first start: who may sign in, with the password that is shown once."""
    notes: tuple[str, ...]


class Node:
    """A running node."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """``clock`` tells all parts what time it is; by default it is that of the machine."""
        self._settings = settings
        self._clock = clock or SystemClock()
        self._parts = AsyncExitStack()
        self.first_administrators: FirstAdministrators | None = None
        """Whom ``start`` made, also when it failed afterwards; None when they were there already."""

    async def start(self) -> NodeFacts:
        """Start all parts and return where they are.

        Raises one error with one clear line for whatever keeps the node from starting; what was started is stopped.
        """
        try:
            return await self._start()
        except BaseException:
            await self._parts.aclose()
            raise

    async def _start(self) -> NodeFacts:
        settings = self._settings
        directory = DataDirectory(settings.data_dir.absolute())
        directory.create()
        self._parts.enter_context(directory.owned())
        identity = _server_identity(settings, directory, self._clock.now())
        opened = await _open_platform(settings, self._clock, directory, names_in(identity), self._parts)
        self.first_administrators = opened.administrators
        tls_for_devices = ServerTls(_tls_options(settings, identity, ask=True))
        tls_for_https = ServerTls(_tls_options(settings, identity, ask=False))
        application = HttpApplication(opened.platform)
        http = HttpServer(application, opened.platform.clock)
        self._parts.push_async_callback(http.stop)
        self._parts.callback(directory.node_facts.unlink, missing_ok=True)
        http_port = await self._serve_plain_http(http)
        crowd = Crowd(_crowd_options(settings), opened.platform.trust.tenant_of_domain)
        https = Listener(
            http.make_protocol, tls=tls_for_https, options=_listener_options(settings, SHARE_OF_HTTP), crowd=crowd
        )
        await https.start(settings.host, settings.https_port)
        self._parts.push_async_callback(https.close, settings.gateway.stop_timeout)
        self._parts.callback(application.close)
        self._keep_record(opened.platform)
        options = _gateway_options(settings), _listener_options(settings, SHARE_OF_MQTT)
        gateway = Gateway(opened.platform, tls_for_devices, *options, crowd)
        self._parts.push_async_callback(gateway.stop, settings.gateway.stop_timeout)
        await gateway.start(settings.host, settings.mqtt_port)
        self._run(_watch_files((tls_for_devices, tls_for_https), settings.tls.reload_interval))
        self._run(opened.platform.trust_keeper.run())
        self._run(opened.platform.keys.run())
        facts = NodeFacts(
            data_dir=directory.path,
            server_ca=directory.server_ca if settings.tls.certificate is None else None,
            host_name=_host_name(settings),
            mqtt_port=gateway.port,
            https_port=https.port,
            http_port=http_port,
            administrators=opened.administrators,
            notes=(*identity.notes, *_proof_notes(opened.platform)),
        )
        _settle_memory()
        _publish_facts(directory, facts)
        return facts

    async def _serve_plain_http(self, http: HttpServer) -> int | None:
        settings = self._settings
        if settings.http_port is None:
            return None
        listener = Listener(http.make_protocol, tls=None, options=_listener_options(settings, SHARE_OF_HTTP))
        await listener.start(settings.http_host, settings.http_port)
        self._parts.push_async_callback(listener.close, settings.gateway.stop_timeout)
        return listener.port

    def _keep_record(self, platform: Platform) -> None:
        """Store what devices do until no device is left that could do anything."""
        for recorder in (platform.connection_attempts, platform.device_sightings):
            self._run(recorder.run())
            self._parts.push_async_callback(recorder.close)

    def _run(self, coroutine: Coroutine[None, None, None]) -> None:
        self._parts.callback(asyncio.create_task(coroutine).cancel)

    async def stop(self) -> None:
        """Refuse new connections, finish what is in flight, tell the peers, close the database."""
        await self._parts.aclose()


start_problem = (
    WrongSettingError,
    DataDirectoryError,
    StorageError,
    ServerCertificateError,
    PortUnavailableError,
)
"""What keeps a node from starting for a reason the operator can mend; each says it in one line."""


@dataclass(frozen=True, slots=True)
class _Opened:
    platform: Platform
    administrators: FirstAdministrators | None


async def _open_platform(
    settings: Settings, clock: Clock, directory: DataDirectory, names: Iterable[str], parts: AsyncExitStack
) -> _Opened:
    url = settings.database.get_secret_value() if settings.database else f"sqlite:///{directory.database}"
    database = await Database.open(url)
    parts.push_async_callback(database.close)
    await database.migrate()
    sealer, passwords = Sealer(directory.load_encryption_key()), Passwords()
    algorithm = SigningAlgorithm(settings.token.algorithm)
    given = settings.admin_password.get_secret_value() if settings.admin_password else None
    beginnings = Beginnings(passwords=passwords, sealer=sealer, algorithm=algorithm, given_password=given)
    async with database.transaction() as tx:
        administrators = await first_start.prepare(tx, beginnings, clock.now())
    options = PlatformOptions(
        public_host=_host_name(settings),
        shared_certificates=settings.trust.shared_certificates,
        max_staleness=timedelta(seconds=settings.trust.max_staleness),
        policy=TrustPolicy(
            max_chain_length=settings.trust.max_chain_length, require_proof=settings.trust.require_proof
        ),
        keys=_key_schedule(settings),
        host_names=HostNames(names),
    )
    try:
        platform = await Platform.load(database, clock, sealer, passwords, options)
    except SealedSecretUnreadableError as error:
        problem = f"{directory.encryption_key}: not the key that sealed the secrets in {database.place}"
        raise DataDirectoryError(f"{problem}; put the right one back, or start with an empty database") from error
    await audit.note_heads(database)
    parts.push_async_callback(audit.note_heads, database)
    return _Opened(platform, administrators)


def _proof_notes(platform: Platform) -> Iterator[str]:
    """Warn of the certificates whose possession should be proven: each in the log, the first also on the console."""
    lacking = proof_advice.lacking_proof(platform)
    proof_advice.log_lacking_proof(lacking)
    for trusted in lacking[:MAX_PROOF_NOTES]:
        yield (
            f"trust.max_chain_length is above 2: the trusted certificate {trusted.label!r} of {trusted.tenant} "
            f"({trusted.fingerprint}) should have a proof of possession"
        )
    if len(lacking) > MAX_PROOF_NOTES:
        yield f"{len(lacking) - MAX_PROOF_NOTES} more trusted certificates without proof of possession are in the log"


def _key_schedule(settings: Settings) -> KeySchedule:
    token = settings.token
    return KeySchedule(
        algorithm=SigningAlgorithm(token.algorithm),
        lifetime=timedelta(days=token.key_lifetime_days) if token.key_lifetime_days else None,
        overlap=timedelta(days=token.key_overlap_days),
    )


def _host_name(settings: Settings) -> str:
    return settings.public_host[0] if settings.public_host else "localhost"


def _server_identity(settings: Settings, directory: DataDirectory, at: datetime) -> ServerIdentity:
    certificate, key = settings.tls.certificate, settings.tls.key
    if certificate is None and key is None:
        return ensure_server_identity(directory, settings.public_host, at=at)
    if certificate is None or key is None:
        raise WrongSettingError("settings tls.certificate and tls.key belong together: one of them is missing")
    return ServerIdentity(certificate, key)


def _tls_options(settings: Settings, identity: ServerIdentity, *, ask: bool) -> TlsOptions:
    passphrase = settings.tls.key_passphrase
    return TlsOptions(
        certificate=identity.certificate,
        key=identity.key,
        key_passphrase=passphrase.get_secret_value() if passphrase else None,
        ask_client_certificate=ask,
    )


def _listener_options(settings: Settings, share: float) -> ListenerOptions:
    gateway = settings.gateway
    return ListenerOptions(
        handshake_seconds=gateway.handshake_timeout,
        max_handshakes=gateway.max_handshakes,
        max_handshakes_per_address=gateway.max_handshakes_per_address,
        max_connections=min(gateway.max_connections, int(_most_connections() * share)),
        connections_per_second_per_address=gateway.connections_per_second_per_address,
        connection_burst_per_address=gateway.connection_burst_per_address,
        trusted_proxies=gateway.trusted_proxies,
    )


def _crowd_options(settings: Settings) -> CrowdOptions:
    gateway = settings.gateway
    return CrowdOptions(
        connects_of_tenant=Rate(gateway.connects_per_second_per_tenant, gateway.connect_burst_per_tenant),
        failures_of_address=Rate(gateway.failures_per_second_per_address, gateway.failure_burst_per_address),
        failures_of_certificate=Rate(
            gateway.failures_per_second_per_certificate, gateway.failure_burst_per_certificate
        ),
        max_unsettled=gateway.max_handshakes,
        max_unsettled_per_address=gateway.max_handshakes_per_address,
    )


def _most_connections() -> int:
    """Ask the system for as many open files as it gives, and leave some of them to the database and the logs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return sys.maxsize if most == resource.RLIM_INFINITY else max(most - SPARE_FILES, most // 2)


def _gateway_options(settings: Settings) -> GatewayOptions:
    gateway = settings.gateway
    return GatewayOptions(
        connect_seconds=gateway.connect_timeout,
        idle_seconds=gateway.idle_timeout,
        limits=SessionLimits(max_packet_bytes=gateway.max_packet_bytes),
        session_share_of_tenant=gateway.session_share_per_tenant,
    )


def _settle_memory() -> None:
    """Leave what the node was built of out of every later garbage collection; connections come and go beside it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)


def _publish_facts(directory: DataDirectory, facts: NodeFacts) -> None:
    ports = {"mqtt": facts.mqtt_port, "https": facts.https_port, "http": facts.http_port}
    write_public(directory.node_facts, json.dumps({"pid": os.getpid(), **ports}).encode() + b"\n")


async def _watch_files(contexts: Sequence[ServerTls], interval: float) -> None:
    """Use a renewed server certificate for new connections soon after its files have changed."""
    while True:
        await asyncio.sleep(interval)
        for tls in contexts:
            try:
                if tls.reload():
                    logger.info("tls.certificate_renewed")
            except ServerCertificateError as error:
                logger.warning("tls.certificate_not_renewed", problem=str(error))
