"""What a device measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certinel.domain.identifiers import TenantId
from certinel.domain.managed_object import ManagedObjectId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMeasurement:
    """A measurement that is not stored yet."""

    source: ManagedObjectId
    type: str
    time: datetime
    fragments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Numbers taken at one moment from one source."""

    id: int
    tenant: TenantId
    source: ManagedObjectId
    type: str
    time: datetime
    created_at: datetime
    fragments: Mapping[str, Any]
    """``{fragment: {series: {"value": number, "unit": text}}}``, the unit only where there is one."""
