"""The options of a tenant that the platform follows, from the table that checks their values."""

from certinel.domain.tenant_option import INHERITED, KNOWN_OPTIONS


def markdown() -> str:
    """Return a table of options: where the operator's value counts unless the tenant has set one, it says so."""
    rows = [
        f"| `{name[0]}` | `{name[1]}` | {known.meaning} | {'yes' if name in INHERITED else ''} |"
        for name, known in KNOWN_OPTIONS.items()
    ]
    return "\n".join(["| category | key | what it decides | inherited |", "|---|---|---|:-:|", *rows])
