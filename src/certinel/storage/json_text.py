"""How JSON is written into the database."""

import json

compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""Without blanks; raises ``ValueError`` for numbers that JSON does not have."""
