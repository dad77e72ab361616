"""What devices measured."""

from typing import Annotated, Any, Final, Self

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.moments import Moment
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime, Received, Reference
from certinel.api.routing import router as router_for
from certinel.domain.managed_object import MAX_TEXT_CHARACTERS, ManagedObjectId
from certinel.domain.measurement import Measurement, NewMeasurement
from certinel.domain.role import Role
from certinel.services import measurements
from certinel.storage.measurements import MeasurementFilter

MAX_AT_ONCE: Final = 10_000
"""Measurements of one call; ours. Others who write wait for it."""

router = router_for("measurements")
READERS: Final = requires(Role.MEASUREMENT_READ, Role.MEASUREMENT_ADMIN, or_device=True)


class SourceNamed(Received):
    """A managed object, by its id."""

    id: str = Field(coerce_numbers_to_str=True)


class MeasurementCreation(BaseModel):
    """What was measured; every further property is a fragment: `{fragment: {series: {value, unit}}}`."""

    model_config = ConfigDict(extra="allow")

    source: SourceNamed
    type: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)
    time: Moment

    @property
    def read(self) -> NewMeasurement:
        """The measurement, to be stored."""
        fragments = {name: value for name, value in (self.model_extra or {}).items() if name not in {"id", "self"}}
        return NewMeasurement(
            source=ManagedObjectId(number_of(self.source.id)), type=self.type, time=self.time, fragments=fragments
        )


class MeasurementBatch(BaseModel):
    """Several measurements at once."""

    measurements: list[MeasurementCreation] = Field(min_length=1, max_length=MAX_AT_ONCE)


def _form(body: object) -> str:
    return "collection" if isinstance(body, dict) and "measurements" in body else "measurement"


class MeasurementsBody(
    RootModel[
        Annotated[
            Annotated[MeasurementCreation, Tag("measurement")] | Annotated[MeasurementBatch, Tag("collection")],
            Discriminator(_form),
        ]
    ]
):
    """One measurement, or `measurements` with several."""


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


class MeasurementList(Answer):
    """The measurements that were stored, in the order in which they came."""

    measurements: list[MeasurementAnswer]


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


@router.post(
    "/measurement/measurements",
    dependencies=[requires(Role.MEASUREMENT_ADMIN, or_device=True)],
    status_code=201,
    response_model=MeasurementAnswer | MeasurementList,
    responses=represented_as("measurement", "measurementcollection", status=201) | documented_error(404),
)
async def create_measurements(
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    body: Annotated[MeasurementsBody, Depends(JsonBody(MeasurementsBody))],
) -> MeasurementAnswer | MeasurementList:
    """Store one measurement, or all of `measurements`, or none."""
    new = body.root.measurements if isinstance(body.root, MeasurementBatch) else [body.root]
    async with platform.database.transaction() as tx:
        stored = await measurements.create(tx, platform, principal, [one.read for one in new])
    answers = [MeasurementAnswer.of(one, request) for one in stored]
    if isinstance(body.root, MeasurementBatch):
        return MeasurementList(measurements=answers)
    response.headers["Location"] = answers[0].self
    return answers[0]


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
