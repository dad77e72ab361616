"""Measurements. Whoever may not read all of them works with those of their own objects, as devices do."""

from collections.abc import Sequence
from dataclasses import replace

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.measurement import Measurement, NewMeasurement
from certinel.domain.role import Principal, Role
from certinel.services.inventory import ManagedObjectNotFoundError
from certinel.services.platform import Platform
from certinel.storage import managed_objects, measurements
from certinel.storage.engine import Transaction
from certinel.storage.measurements import MeasurementFilter
from certinel.storage.page import Page, PageRequest


class MeasurementNotFoundError(DeviceIdentityError):
    """The tenant has no such measurement, or it is not the caller's to see."""

    code = "measurement/not-found"

    def __init__(self, number: int) -> None:
        super().__init__(f"No measurement for id '{number}'")
        self.number = number


async def create(
    tx: Transaction, platform: Platform, caller: Principal, new: Sequence[NewMeasurement]
) -> list[Measurement]:
    """Store measurements, all or none.

    Raises:
        ManagedObjectNotFoundError: a source does not exist, or is not the caller's to speak for.
    """
    sources = await managed_objects.get_many(tx, caller.tenant, sorted({one.source for one in new}))
    for one in new:
        source = sources.get(one.source)
        if source is None or not (caller.has_any(Role.MEASUREMENT_ADMIN) or source.owner == caller.user_name):
            raise ManagedObjectNotFoundError(one.source)
    return await measurements.create(tx, caller.tenant, new, platform.clock.now())


async def get(tx: Transaction, caller: Principal, number: int) -> Measurement:
    """Return the measurement; raises ``MeasurementNotFoundError``."""
    found = await measurements.get(tx, caller.tenant, number)
    if found is None:
        raise MeasurementNotFoundError(number)
    if not caller.has_any(Role.MEASUREMENT_READ):
        source = await managed_objects.get(tx, caller.tenant, found.source)
        if source is None or source.owner != caller.user_name:
            raise MeasurementNotFoundError(number)
    return found


async def list_of(
    tx: Transaction, caller: Principal, wanted: MeasurementFilter, page: PageRequest
) -> Page[Measurement]:
    """Return a page of the measurements that ``wanted`` means and the caller may see, by their time."""
    if not caller.has_any(Role.MEASUREMENT_READ):
        wanted = replace(wanted, owner=caller.user_name)
    return await measurements.list_of(tx, caller.tenant, wanted, page)
