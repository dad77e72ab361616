"""Roles with the groups that hold them."""

from certinel.domain.role import ROLES_OF_GROUP, Role


def markdown() -> str:
    """Return a table of roles: which group holds which."""
    groups = list(ROLES_OF_GROUP)
    rows = [
        f"| `{role}` | " + " | ".join("yes" if role in ROLES_OF_GROUP[group] else "" for group in groups) + " |"
        for role in Role
    ]
    return "\n".join([f"| role | {' | '.join(groups)} |", "|---|" + ":-:|" * len(groups), *rows])
