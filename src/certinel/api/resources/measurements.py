"""What devices measured."""

from typing import Annotated, Any, Final, Self

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field

from certinel.api.authentication import Caller, requires
from certinel.api.moments import Moment
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import ContractTime, Reference
from certinel.api.routing import router as router_for
from certinel.domain.managed_object import ManagedObjectId
from certinel.domain.measurement import Measurement
from certinel.domain.role import Role
from certinel.services import measurements
from certinel.storage.measurements import MeasurementFilter

router = router_for("measurements")
READERS: Final = requires(Role.MEASUREMENT_READ, Role.MEASUREMENT_ADMIN, or_device=True)


class MeasurementAnswer(BaseModel):
    """A measurement with its fragments: `{fragment: {series: {value, unit}}}`."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(pattern="^[0-9]+$")
    self: str
    source: Reference
    type: str
    time: ContractTime

    @classmethod
    def of(cls, found: Measurement, request: Request) -> Self:
        """Describe ``found``; a fragment cannot take the place of one of the platform's own fields."""
        number, source = str(found.id), str(found.source)
        own: dict[str, Any] = {
            "id": number,
            "self": link(request, "measurement", "measurements", number),
            "source": Reference(id=source, self=link(request, "inventory", "managedObjects", source)),
            "type": found.type,
            "time": found.time,
        }
        return cls.model_validate({**found.fragments, **own})


class Measurements(Collection):
    """A page of measurements, in the order of their time."""

    measurements: list[MeasurementAnswer]


@router.get(
    "/measurement/measurements",
    dependencies=[READERS],
    responses=represented_as("measurementcollection") | documented_error(422),
)
async def list_measurements(  # noqa: PLR0913 - each one is a part of the request
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    paging: Paging,
    source: Annotated[str | None, Query(description="Measurements of this managed object.")] = None,
    type: Annotated[str | None, Query(description="Measurements of this type.")] = None,  # noqa: A002
    date_from: Annotated[Moment | None, Query(alias="dateFrom", description="Taken at this moment or later.")] = None,
    date_to: Annotated[Moment | None, Query(alias="dateTo", description="Taken at this moment or earlier.")] = None,
    value_fragment_type: Annotated[
        str | None, Query(alias="valueFragmentType", description="That have this fragment.")
    ] = None,
    value_fragment_series: Annotated[
        str | None, Query(alias="valueFragmentSeries", description="That have this series, in that fragment or in any.")
    ] = None,
    revert: Annotated[bool, Query(description="Newest first.")] = False,
) -> Measurements:
    """List measurements; all conditions must hold."""
    wanted = MeasurementFilter(
        source=None if source is None else ManagedObjectId(number_of(source)),
        type=type,
        date_from=date_from,
        date_to=date_to,
        value_fragment_type=value_fragment_type,
        value_fragment_series=value_fragment_series,
        revert=revert,
    )
    async with platform.database.reading() as tx:
        page = await measurements.list_of(tx, principal, wanted, paging)
    answers = [MeasurementAnswer.of(found, request) for found in page.items]
    return Measurements(measurements=answers, **envelope(request, page))


@router.get(
    "/measurement/measurements/{id:segment}",
    dependencies=[READERS],
    responses=represented_as("measurement") | documented_error(404),
)
async def get_measurement(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> MeasurementAnswer:
    """Return one measurement."""
    async with platform.database.reading() as tx:
        found = await measurements.get(tx, principal, number_of(id))
    return MeasurementAnswer.of(found, request)
