"""A gateway in this process: on a real database, behind real TLS, with a clock that the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from certinel.gateway.crowd import Crowd, CrowdOptions
from certinel.gateway.gateway import Gateway
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.surroundings import GatewayOptions
from certinel.gateway.tls import ServerTls, TlsOptions
from certinel.mqtt.limits import SessionLimits
from certinel.services.platform import PlatformOptions
from certinel.storage.engine import Database
from support.certificates import AT, root_authority
from support.clock import MovableClock
from support.house import issue
from support.platforms import started_platform
from support.stage import Stage, StageMaker


@pytest.fixture
async def make_stage(database: Database, tmp_path: Path) -> AsyncIterator[StageMaker]:
    """Makes a stage with the given gateway options."""
    gateways: list[Gateway] = []

    async def make(
        *,
        connect_seconds: float = 20.0,
        session_share_of_tenant: float = 1.0,
        receive_maximum: int = 64,
        platform_options: PlatformOptions | None = None,
        crowd_options: CrowdOptions | None = None,
        listener_options: ListenerOptions | None = None,
    ) -> Stage:
        clock = MovableClock(AT)
        platform = await started_platform(database, clock, platform_options)
        certificate, key = issue("server").write(tmp_path, "server")
        options = GatewayOptions(
            connect_seconds=connect_seconds,
            idle_seconds=0,
            limits=SessionLimits(receive_maximum=receive_maximum),
            session_share_of_tenant=session_share_of_tenant,
        )
        tls = ServerTls(TlsOptions(certificate=certificate, key=key))
        crowd = Crowd(crowd_options, platform.trust.tenant_of_domain)
        gateway = Gateway(platform, tls, options, listener_options or ListenerOptions(), crowd)
        await gateway.start("127.0.0.1", 0)
        gateways.append(gateway)
        stage = Stage(platform, gateway, clock, root_authority("Plant CA"), tmp_path)
        await stage.upload(stage.root)
        return stage

    yield make
    for gateway in gateways:
        await gateway.stop(5)


@pytest.fixture
async def stage(make_stage: StageMaker) -> Stage:
    return await make_stage()
