"""``certinel admin signing-key …``: the keys that sign tokens, for users of the management tenant."""

from typing import Annotated, Final

import typer
from rich.text import Text

from certinel.cli.admin import completion
from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Column, Member, done, moment, show_list
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.node_client import path

app = typer.Typer(help="The keys that sign tokens, for users of the management tenant.", no_args_is_help=True)

ALL: Final = "/certinel/signingKeys"


@verb(app, "list")
def list_keys(node: Node) -> None:
    """List the keys whose signatures are accepted, the newest first."""
    answer = node.rest.get(ALL)
    show_list(node, [answer["signingKeys"]], _COLUMNS, "There are none.")


@verb(app, "rotate")
def rotate_keys(node: Node) -> None:
    """Make a new key that signs from now on; what the one before has signed stays valid for a while."""
    made = node.rest.post(ALL)
    done(node, f"the key {made['id']} signs from now on", made)


@verb(app, "withdraw", "signing-key withdraw 6f3c… --yes")
def withdraw_key(
    node: Node,
    key: Annotated[str, typer.Argument(help="The id of the key.", autocompletion=completion.signing_keys)],
    yes: Yes = False,
) -> None:
    """Accept nothing any more that a key has signed, as when it was stolen. The one that signs is rotated first."""
    confirm(f"Withdraw the key {key}? All tokens that it has signed end at once.", yes=yes)
    node.rest.delete(ALL + path(key))
    done(node, f"the key {key} is withdrawn")


def _state(key: Member) -> Text:
    return Text("signs", "green") if key["current"] else Text("accepted")


_COLUMNS: Final = (
    Column("key", lambda key: key["id"]),
    Column("algorithm", lambda key: key["algorithm"]),
    Column("state", _state),
    Column("made (UTC)", lambda key: moment(key["creationTime"])),
    Column("accepted until (UTC)", lambda key: moment(key.get("endTime"))),
)
