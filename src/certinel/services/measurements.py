"""Reading measurements. Whoever may not read all of them sees those of their own objects, as devices do."""

from dataclasses import replace

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.measurement import Measurement
from certinel.domain.role import Principal, Role
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
