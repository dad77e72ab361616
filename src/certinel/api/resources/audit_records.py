"""The audit log of a tenant: what was changed, when and by whom."""

from datetime import UTC, datetime
from typing import Annotated, Final, Self

from fastapi import Depends, Query, Request, Response
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.moments import Moment
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime, Received
from certinel.api.routing import router as router_for
from certinel.domain.audit import Actor, ActorKind, AuditEntry, AuditRecord, Change, Severity
from certinel.domain.role import Principal, Role
from certinel.services import audit
from certinel.storage.audit_records import AuditFilter

router = router_for("audit records")
PATH: Final = "/audit/auditRecords"
ONE: Final = PATH + "/{id:segment}"
READERS: Final = requires(Role.AUDIT_READ, Role.AUDIT_ADMIN)
WRITERS: Final = requires(Role.AUDIT_ADMIN)

MAX_CHANGES: Final = 100
MAX_LENGTH: Final = 10_000
"""Of one text of a record that is handed in."""

Words = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]
SomeWords = Annotated[str, Field(max_length=MAX_LENGTH)]


class SourceReference(Received):
    """What was changed."""

    id: Words


class ChangeReport(Received):
    """One attribute before and after."""

    attribute: Words
    previous_value: SomeWords | None = None
    new_value: SomeWords | None = None


class AuditRecordCreation(Received):
    """A record of something that happened outside the platform."""

    activity: Words = Field(description="What was done, in a few words.")
    text: Words = Field(description="The details.")
    type: Words = Field(description="What kind of thing was changed.")
    source: SourceReference
    time: Moment | None = Field(default=None, description="When it happened; now, when it is missing.")
    user: Annotated[str, Field(max_length=MAX_LENGTH)] | None = Field(
        default=None, description="Who did it; the caller, when it is missing."
    )
    severity: Severity = Severity.INFORMATION
    changes: list[ChangeReport] = Field(default_factory=list, max_length=MAX_CHANGES)

    def entry(self, principal: Principal, at: datetime) -> AuditEntry:
        """Return what is recorded: the caller's words, marked as such."""
        by = Actor(ActorKind.PERSON, self.user) if self.user else Actor.of(principal)
        return AuditEntry(
            tenant=principal.tenant,
            by=by,
            type=self.type,
            source=self.source.id,
            activity=self.activity,
            text=self.text,
            time=self.time or at,
            severity=self.severity,
            changes=tuple(Change(one.attribute, one.previous_value, one.new_value) for one in self.changes),
            recorded_at=at,
            reported_by=principal.user_name,
        )


class AuditSource(Answer):
    """What was changed: a fingerprint, a user's name, an option, a tenant, or what a report named."""

    id: str


class AuditChange(Answer):
    """One attribute before and after; a value that is missing did not exist."""

    attribute: str
    previous_value: str | None = None
    new_value: str | None = None


class AuditRecordAnswer(Answer):
    """One record. `hash` covers all of it and `previousHash`, the `hash` of the record before."""

    id: str = Field(description="The record's place in the tenant's log, counted from 1.", pattern="^[0-9]+$")
    self: str
    activity: str
    text: str
    type: str
    source: AuditSource
    time: ContractTime = Field(description="When it happened.")
    creation_time: ContractTime = Field(description="When it was recorded.")
    user: str
    user_kind: ActorKind = Field(description="Whether a person, a device or the platform itself did it.")
    severity: Severity
    changes: list[AuditChange]
    reported_by: str | None = Field(
        default=None, description="Who handed the record in. What the platform has seen itself does not have this."
    )
    previous_hash: str = Field(pattern="^[0-9a-f]{64}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")

    @classmethod
    def of(cls, record: AuditRecord, request: Request) -> Self:
        """Describe ``record``."""
        number = str(record.sequence)
        return cls(
            id=number,
            self=link(request, "audit", "auditRecords", number),
            activity=record.activity,
            text=record.text,
            type=record.type,
            source=AuditSource(id=record.source),
            time=record.time,
            creation_time=record.recorded_at,
            user=record.user,
            user_kind=ActorKind(record.user_kind),
            severity=Severity(record.severity),
            changes=[
                AuditChange(attribute=one.attribute, previous_value=one.previous, new_value=one.new)
                for one in record.changes
            ],
            reported_by=record.reported_by,
            previous_hash=record.previous_hash.hex(),
            hash=record.hash.hex(),
        )


class AuditRecords(Collection):
    """A page of the audit log, the latest record first unless the other order is asked for."""

    audit_records: list[AuditRecordAnswer]


@router.get(PATH, dependencies=[READERS], responses=represented_as("auditrecordcollection") | documented_error(422))
async def list_audit_records(  # noqa: PLR0913 - each one is a part of the request
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    paging: Paging,
    type: Annotated[str | None, Query(description="Records of this type.")] = None,  # noqa: A002
    user: Annotated[str | None, Query(description="What this user did.")] = None,
    source: Annotated[str | None, Query(description="What was done to this.")] = None,
    date_from: Annotated[Moment | None, Query(alias="dateFrom", description="At this moment or later.")] = None,
    date_to: Annotated[Moment | None, Query(alias="dateTo", description="At this moment or earlier.")] = None,
    revert: Annotated[bool, Query(description="The latest first; `false` turns the order round.")] = True,
) -> AuditRecords:
    """List what was changed in the caller's tenant; all conditions must hold."""
    wanted = AuditFilter(
        type=type, user=user, source=source, date_from=date_from, date_to=date_to, is_oldest_first=not revert
    )
    async with platform.database.reading() as tx:
        page = await audit.list_of(tx, principal.tenant, wanted, paging)
    return AuditRecords(
        audit_records=[AuditRecordAnswer.of(record, request) for record in page.items], **envelope(request, page)
    )


@router.post(PATH, dependencies=[WRITERS], status_code=201, responses=represented_as("auditrecord", status=201))
async def create_audit_record(
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    creation: Annotated[AuditRecordCreation, Depends(JsonBody(AuditRecordCreation))],
) -> AuditRecordAnswer:
    """Record something that happened outside the platform. Nothing can change or remove it afterwards."""
    async with platform.database.transaction() as tx:
        record = await audit.append(tx, creation.entry(principal, platform.clock.now().astimezone(UTC)))
    answer = AuditRecordAnswer.of(record, request)
    response.headers["Location"] = answer.self
    return answer


@router.get(ONE, dependencies=[READERS], responses=represented_as("auditrecord") | documented_error(404))
async def get_audit_record(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> AuditRecordAnswer:
    """Return one record."""
    async with platform.database.reading() as tx:
        record = await audit.get(tx, principal.tenant, number_of(id))
    return AuditRecordAnswer.of(record, request)
