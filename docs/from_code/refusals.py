"""Every refusal code: its sentence, what usually causes it, what to do, and what the device itself is told."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from certinel.domain.causes import CAUSES
from certinel.domain.errors import EXPLANATIONS, HIDDEN_FROM_STRANGERS, TOLD_TO_GENUINE_DEVICES, Code
from certinel.gateway.answers import connect_answer
from certinel.gateway.handshake import SENTENCES

_GROUPS: Final = {
    "tls": "No certificate",
    "chain": "The chain",
    "certificate": "A certificate of the chain",
    "trust": "The trusted certificate",
    "revocation": "Revocation",
    "client-id": "The client id",
    "registration": "Registration",
    "device": "The device user",
    "tenant": "The tenant",
    "password": "User name and password",
    "protocol": "MQTT",
    "overload": "Overload",
}


def markdown() -> str:
    """Return one section a code, in the groups that the codes themselves form."""
    parts = []
    for group, codes in groupby(sorted(Code, key=_place), key=_group):
        parts.append(f"## {_GROUPS[group]}")
        parts += [part for code in codes for part in _section(code)]
    return "\n\n".join([*parts, *_handshakes()])


def _group(code: Code) -> str:
    return code.partition("/")[0]


def _place(code: Code) -> int:
    return list(_GROUPS).index(_group(code))


def anchor(code: str) -> str:
    """Return the name under which other pages link to a code."""
    return "code-" + code.replace("/", "-")


def _section(code: Code) -> Iterator[str]:
    explanation, answer = EXPLANATIONS[code], connect_answer(code)
    yield f"({anchor(code)})=\n### `{code}`"
    yield _with_placeholders(explanation.sentence)
    yield f"Cause\n: {CAUSES[code]}"
    yield f"Remedy\n: {_with_placeholders(explanation.remedy)}"
    yield (
        f"The device\n: gets return code {answer.return_code} (MQTT 3.1, 3.1.1) or reason code "
        f"0x{answer.reason_code:02x} (MQTT 5.0), and with the latter {_told(code)}."
    )


def _told(code: Code) -> str:
    if code in HIDDEN_FROM_STRANGERS:
        return f"reads `{Code.UNKNOWN_ISSUER}`, without the reason"
    if code in TOLD_TO_GENUINE_DEVICES:
        return (
            f"this code and sentence if signatures connect it with a trusted certificate, else `{Code.UNKNOWN_ISSUER}`"
        )
    return "this code and sentence"


def _with_placeholders(sentence: str) -> str:
    """Show the places for the facts of a case as such."""
    return re.sub(r"\{(\w+)\}", lambda found: f"*{found[1].replace('_', ' ')}*", sentence)


def _handshakes() -> Iterator[str]:
    yield "## TLS handshakes that were not finished"
    yield (
        "These come before there is a certificate to judge, so they belong to no tenant: the log and the connection "
        "attempts of the management tenant have them."
    )
    rows = [
        f"| []{{#{anchor(fault)}}}`{fault}` | {words[0].upper()}{words[1:]}. |" for fault, words in SENTENCES.items()
    ]
    yield "\n".join(["| code | what happened |", "|---|---|", *rows])
