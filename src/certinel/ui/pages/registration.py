"""Devices that are expected: with a certificate, one or many, and with a password, one by one."""

import asyncio
import csv
import io
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response

from certinel.domain.bulk_registration import FailedRow
from certinel.services import bulk_registration, new_device_requests
from certinel.services.bulk_registration import BulkResult
from certinel.services.new_device_requests import NewDeviceDraft
from certinel.storage.page import PageRequest
from certinel.ui.forms import Form
from certinel.ui.rights import REGISTER, SEE_REGISTRATION
from certinel.ui.routing import FaultError, Pages, problem
from certinel.ui.texts import ENGLISH
from certinel.ui.uploads import Uploads
from certinel.ui.visit import Visit

pages = Pages()

PAGE_SIZE: Final = 50
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""As REST takes it."""
AT_ONCE: Final = 2
"""Files that the pages of one node work on; further ones wait."""
FAILED_SHOWN: Final = 500
"""Rows that failed; the page says how many more there are."""
_NUMBER: Final = re.compile(r"[A-Za-z0-9-]{8,64}", re.ASCII)
_FIELDS: Final = ("id", "name", "type", "path")

TEMPLATES: Final[Mapping[str, tuple[Sequence[str], Sequence[str]]]] = MappingProxyType(
    {
        "certificates": (
            ("ID", "AUTH_TYPE", "NAME", "TYPE", "PATH"),
            ("pump-001", "CERTIFICATES", "Pump 1", "pump", "plant/hall 3"),
        ),
        "full": (
            ("ID", "AUTH_TYPE", "CREDENTIALS", "NAME", "TYPE", "IDTYPE", "PATH", "com_cumulocity_model_Agent.active"),
            ("pump-001", "BASIC", "a long password", "Pump 1", "pump", "c8y_Serial", "plant/hall 3", "true"),
        ),
        "simple": (("ID", "PATH"), ("pump-001", "plant/hall 3")),
    }
)
"""Files to begin with: their columns, and one row as an example."""

_turns = asyncio.Semaphore(AT_ONCE)
_uploads = Uploads()


@pages.show("/registration", SEE_REGISTRATION)
async def show_requests(visit: Visit) -> Response:
    """List the devices that are expected with a password, with a form for a further one."""
    wanted = PageRequest(visit.page_number, PAGE_SIZE, with_total_elements=True)
    async with visit.platform.database.reading() as tx:
        page = await new_device_requests.list_of(tx, visit.session.tenant, wanted)
    return visit.page(
        "registration/requests.html",
        title=ENGLISH("registration.title"),
        lead=ENGLISH("registration.lead"),
        page=page,
        may_register=visit.may(REGISTER),
    )


@pages.act("/registration", REGISTER)
async def expect(visit: Visit, form: Form) -> Response:
    """Expect a device with a password."""
    draft = NewDeviceDraft(device=form.text("device"), name=form.text("name") or None)
    async with visit.platform.database.transaction() as tx:
        await new_device_requests.create(tx, visit.platform, visit.session.tenant, draft, visit.session.actor)
    return visit.go("/ui/registration", "registration.is-expected", device=draft.device)


@pages.act("/registration/accept", REGISTER)
async def accept(visit: Visit, form: Form) -> Response:
    """Let a device that has asked collect its credentials."""
    device = form.text("device")
    await new_device_requests.accept(
        visit.platform, visit.session.tenant, device, form.text("security-token") or None, visit.session.actor
    )
    return visit.go("/ui/registration", "registration.was-accepted", device=device)


@pages.act("/registration/accept-all", REGISTER)
async def accept_all(visit: Visit, _: Form) -> Response:
    """Accept all devices that have asked and gave no token."""
    async with visit.platform.database.transaction() as tx:
        results = await new_device_requests.accept_all(tx, visit.platform, visit.session.tenant, visit.session.actor)
    accepted = sum(one.error is None for one in results)
    return visit.go("/ui/registration", "registration.were-accepted", count=accepted, others=len(results) - accepted)


@pages.act("/registration/remove", REGISTER)
async def remove(visit: Visit, form: Form) -> Response:
    """Forget that a device is expected."""
    device = form.text("device")
    async with visit.platform.database.transaction() as tx:
        await new_device_requests.remove(tx, visit.platform, visit.session.tenant, device, visit.session.actor)
    return visit.go("/ui/registration", "registration.was-removed", device=device)


@pages.show("/registration/bulk", SEE_REGISTRATION)
async def show_bulk(visit: Visit) -> Response:
    """Ask for a table of devices, or for one device with a certificate."""
    return visit.page(
        "registration/bulk.html",
        title=ENGLISH("bulk.title"),
        lead=ENGLISH("bulk.lead"),
        templates=list(TEMPLATES),
        device=visit.query("device"),
        may_register=visit.may(REGISTER),
    )


@pages.show("/registration/templates/{name}", SEE_REGISTRATION)
async def give_template(visit: Visit) -> Response:
    """Give a table to fill in."""
    name = visit.request.path_params["name"].removesuffix(".csv")
    if name not in TEMPLATES:
        return problem(visit, 404)
    headers = {"Content-Disposition": f'attachment; filename="{name}-registration.csv"'}
    return PlainTextResponse(_table(*TEMPLATES[name]), media_type="text/csv", headers=headers)


@pages.act("/registration/bulk", REGISTER, max_bytes=MAX_FILE_BYTES)
async def register_many(visit: Visit, form: Form) -> Response:
    """Register the devices of a table, and show what became of each row."""
    files = form.files.get("file", ())
    if not files:
        raise FaultError(ENGLISH("bulk.no-file"))
    number = form.text("upload")
    is_watched = _NUMBER.fullmatch(number) is not None
    tenant = visit.session.tenant
    result = _uploads.begin(tenant, number) if is_watched else BulkResult()
    try:
        await _registered(visit, files[0].file, result)
    finally:
        _uploads.end(tenant, number)
    return _result_page(visit, result, files[0].filename or "")


@pages.act("/registration/one", REGISTER)
async def register_one(visit: Visit, form: Form) -> Response:
    """Register one device that will come with a certificate: a table of one row."""
    device, name, type_, path = (form.text(field) for field in _FIELDS)
    row = (device, "CERTIFICATES", name, type_, path)
    result = BulkResult()
    columns = TEMPLATES["certificates"][0]
    await _registered(visit, io.BytesIO(_table(columns, row).encode()), result)
    if result.failed:
        raise FaultError(result.failed[0].reason)
    key = "bulk.was-updated" if result.updated else "bulk.was-registered"
    return visit.go("/ui/registration/bulk", key, device=device)


@pages.show("/registration/uploads/{number}", REGISTER)
async def show_progress(visit: Visit) -> Response:
    """Say how far a table is, for the script of the page that has sent it."""
    result = _uploads.find(visit.session.tenant, visit.request.path_params["number"])
    done = result.all if result is not None else 0
    return JSONResponse({"done": done, "of": result.expected if result is not None else None})


async def _registered(visit: Visit, file: BinaryIO, result: BulkResult) -> None:
    async with _turns:
        await bulk_registration.register(visit.platform, visit.session.tenant, file, visit.session.actor, result)


def _result_page(visit: Visit, result: BulkResult, file_name: str) -> Response:
    return visit.page(
        "registration/result.html",
        title=ENGLISH("bulk.result-title"),
        lead=ENGLISH("bulk.result-lead", file=file_name),
        result=result,
        failed=result.failed[:FAILED_SHOWN],
        more=max(len(result.failed) - FAILED_SHOWN, 0),
        reasons=_most_frequent(result.failed),
    )


def _most_frequent(failed: Sequence[FailedRow]) -> list[tuple[str, int]]:
    """Return the reasons that several rows failed for: one fault of a whole column is one fault."""
    counts: dict[str, int] = {}
    for row in failed:
        reason = row.reason.replace(f"'{row.device}'", "…") if row.device else row.reason
        counts[reason] = counts.get(reason, 0) + 1
    several = [(reason, count) for reason, count in counts.items() if count > 1]
    return sorted(several, key=lambda one: -one[1])[:5]


def _table(*rows: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
