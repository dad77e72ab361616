"""How a tenant is doing: devices, attempts over time, reasons of refusals. Our own addition."""

from typing import Annotated, Final

from fastapi import Query
from pydantic import Field

from certinel.api.authentication import Caller
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime
from certinel.api.resources.trusted_certificates import READERS
from certinel.api.routing import router as router_for
from certinel.services import overview
from certinel.services.overview import MAX_SPANS, Span

router = router_for("overview")
PATH: Final = "/certinel/overview"
DEFAULT_SPANS: Final = 24


class SpanAnswer(Answer):
    """Attempts within an hour or a day."""

    begins: ContractTime
    admitted: int
    refused: int


class RefusalCount(Answer):
    """How often attempts were refused for one reason."""

    code: str = Field(examples=["certificate/expired"])
    count: int


class OverviewAnswer(Answer):
    """A tenant at one look."""

    device_count: int
    connected_count: int = Field(description="Devices that are connected to this node now.")
    trusted_certificate_count: int
    trusted_certificates_lacking_proof: list[str] = Field(
        description="SHA-1 of the enabled trusted certificates without proof of possession."
    )
    connections: list[SpanAnswer] = Field(description="Attempts to connect, by hour or day, without gaps.")
    refusals: list[RefusalCount] = Field(description="Why attempts were refused in this time, the most frequent first.")


@router.get(PATH, dependencies=[READERS], responses=documented_error(422))
async def get_overview(
    platform: Served,
    principal: Caller,
    span: Annotated[Span, Query(description="What attempts are counted by.")] = Span.HOUR,
    count: Annotated[
        int, Query(ge=1, le=MAX_SPANS, description="How many hours or days, the current one included.")
    ] = DEFAULT_SPANS,
) -> OverviewAnswer:
    """Return how many devices there are and are connected, who came and who was refused, and why."""
    tenant = principal.tenant
    state = overview.state_of(platform, tenant)
    async with platform.database.reading() as tx:
        counts = await overview.attempts_of(tx, tenant, span, count, platform.clock.now())
    return OverviewAnswer(
        device_count=state.devices,
        connected_count=state.connected,
        trusted_certificate_count=state.trusted_certificates,
        trusted_certificates_lacking_proof=[one.fingerprint for one in state.lacking_proof],
        connections=[SpanAnswer(begins=one.begins, admitted=one.admitted, refused=one.refused) for one in counts.spans],
        refusals=[RefusalCount(code=code, count=times) for code, times in counts.refusals],
    )
