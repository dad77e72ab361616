"""How JSON is written into the database and read from it."""

import json

LONGEST_INTEGER = len("-9223372036854775808")
"""``jsonb`` writes the floating-point number 1e308 with all its digits; whole numbers of ours are never as long."""

compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Without blanks; raises ``ValueError`` for numbers that JSON does not have."""


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


parse_jsonb = json.JSONDecoder(parse_int=_whole_number).decode
"""Reads what ``jsonb`` made of our numbers as the numbers they were."""
