"""SmartREST 2.0 without I/O: the rows that devices send and receive."""

from certinel.smartrest.csv import encode_row
from certinel.smartrest.errors import ErrorCode, Rejected
from certinel.smartrest.parser import parse
from certinel.smartrest.requests import CreateDevice, CreateMeasurement, Request, Series

__all__ = ["CreateDevice", "CreateMeasurement", "ErrorCode", "Rejected", "Request", "Series", "encode_row", "parse"]
