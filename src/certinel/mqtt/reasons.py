"""Why something was refused, in the numbers of the wire.

MQTT 5.0 has one table of reason codes for all packets (2.4); 3.1 and 3.1.1 know six answers to CONNECT and no more.
"""

from enum import Enum, IntEnum


class ReasonCode(IntEnum):
    """The reason codes of MQTT 5.0 (2.4), each named once although some mean several things."""

    SUCCESS = 0x00  # also: normal disconnection, granted QoS 0
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    RE_AUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2

    @property
    def is_failure(self) -> bool:
        """Whether the code says that something did not happen (2.4: 0x80 and above)."""
        return self >= ReasonCode.UNSPECIFIED_ERROR


class ConnectAnswer(Enum):
    """What a CONNECT is answered: the return code of 3.1 and 3.1.1 (3.2.2.3) and the reason code of 5.0 (3.2.2.2)."""

    ACCEPTED = (0, ReasonCode.SUCCESS)
    UNSUPPORTED_PROTOCOL = (1, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)
    CLIENT_ID_REJECTED = (2, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
    UNAVAILABLE = (3, ReasonCode.SERVER_UNAVAILABLE)
    BAD_CREDENTIALS = (4, ReasonCode.BAD_USER_NAME_OR_PASSWORD)
    NOT_AUTHORIZED = (5, ReasonCode.NOT_AUTHORIZED)

    def __init__(self, return_code: int, reason_code: ReasonCode) -> None:
        self.return_code = return_code
        self.reason_code = reason_code
