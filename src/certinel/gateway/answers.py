"""How a refusal is answered in MQTT (trust.md section 2)."""

from certinel.domain.errors import Code
from certinel.mqtt.reasons import ConnectAnswer

_ANSWERS = {
    Code.CLIENT_ID_MALFORMED: ConnectAnswer.CLIENT_ID_REJECTED,
    Code.PROTOCOL_UNSUPPORTED: ConnectAnswer.UNSUPPORTED_PROTOCOL,
    Code.WRONG_PASSWORD: ConnectAnswer.BAD_CREDENTIALS,
    Code.TRY_LATER: ConnectAnswer.UNAVAILABLE,
    Code.STALE_NODE: ConnectAnswer.UNAVAILABLE,
}


def connect_answer(code: Code) -> ConnectAnswer:
    """Return what CONNACK says for ``code``."""
    return _ANSWERS.get(code, ConnectAnswer.NOT_AUTHORIZED)
