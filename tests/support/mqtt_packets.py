"""Hypothesis strategies for every MQTT packet that is well-formed, version by version."""

from collections.abc import Mapping

from hypothesis import strategies as st

from certinel.mqtt.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolVersion,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from certinel.mqtt.properties import NO_PROPERTIES, PROPERTY_RULES, Kind, Place, Properties, PropertyRule
from certinel.mqtt.reasons import ReasonCode

V5 = ProtocolVersion.V5

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#$"), min_size=1, max_size=12)
payloads = st.binary(max_size=40)
packet_ids = st.integers(1, 65_535)
qualities = st.integers(0, 2)
filters = st.one_of(
    names, st.sampled_from(["#", "+", "s/+/x", "s/ds/#", "+/+", "/", "$SYS/#", "$share/group/s/#", "a//b"])
)

VALUES: Mapping[Kind, st.SearchStrategy[object]] = {
    Kind.BYTE: st.integers(0, 255),
    Kind.TWO_BYTES: st.integers(0, 65_535),
    Kind.FOUR_BYTES: st.integers(0, (1 << 32) - 1),
    Kind.VARIABLE: st.integers(0, 268_435_455),
    Kind.TEXT: texts,
    Kind.BINARY: payloads,
    Kind.PAIR: st.tuples(texts, texts),
}


def values_of(rule: PropertyRule, place: Place) -> st.SearchStrategy[object]:
    values = VALUES[rule.kind]
    if rule.allowed is not None:
        top = {Kind.BYTE: 255, Kind.TWO_BYTES: 65_535}.get(rule.kind, rule.allowed.stop - 1)
        values = st.integers(rule.allowed.start, min(top, rule.allowed.stop - 1))
    if rule.name == "response_topic":
        values = names
    if rule.is_many:
        return st.lists(values, min_size=1, max_size=3 if place in rule.repeats_in else 1).map(tuple)
    return values


@st.composite
def properties_at(draw: st.DrawFn, place: Place) -> Properties:
    rules = [rule for rule in PROPERTY_RULES if place in rule.places]
    chosen = draw(st.lists(st.sampled_from(rules), unique=True, max_size=len(rules)))
    values = {rule.name: draw(values_of(rule, place)) for rule in chosen}
    if "authentication_data" in values and place is Place.CONNECT:
        values.setdefault("authentication_method", "m")
    return Properties(**values) if values else NO_PROPERTIES  # type: ignore[arg-type]


def properties(version: ProtocolVersion, place: Place) -> st.SearchStrategy[Properties]:
    return properties_at(place) if version is V5 else st.just(NO_PROPERTIES)


def reasons(version: ProtocolVersion, *allowed: ReasonCode) -> st.SearchStrategy[ReasonCode]:
    return st.sampled_from([ReasonCode.SUCCESS, *allowed]) if version is V5 else st.just(ReasonCode.SUCCESS)


def wills(version: ProtocolVersion) -> st.SearchStrategy[Will]:
    return st.builds(Will, names, payloads, qualities, st.booleans(), properties(version, Place.WILL))


@st.composite
def connects(draw: st.DrawFn, version: ProtocolVersion) -> Connect:
    user_name = draw(st.none() | texts)
    return Connect(
        draw(texts),
        version,
        draw(st.booleans()),
        draw(st.integers(0, 65_535)),
        draw(st.none() | wills(version)),
        user_name,
        draw(st.none() | payloads) if user_name is not None or version is V5 else None,
        draw(properties(version, Place.CONNECT)),
    )


@st.composite
def publishes(draw: st.DrawFn, version: ProtocolVersion) -> Publish:
    qos = draw(qualities)
    return Publish(
        draw(names),
        draw(payloads),
        qos,
        draw(st.booleans()),
        draw(st.booleans()) if qos else False,
        draw(packet_ids) if qos else None,
        draw(properties(version, Place.PUBLISH)),
    )


@st.composite
def subscriptions(draw: st.DrawFn, version: ProtocolVersion) -> Subscription:
    topic_filter, qos = draw(filters), draw(qualities)
    if version is not V5:
        return Subscription(topic_filter, qos)
    no_local = draw(st.booleans()) and not topic_filter.startswith("$share")
    return Subscription(topic_filter, qos, no_local, draw(st.booleans()), draw(st.integers(0, 2)))


def answers(version: ProtocolVersion) -> st.SearchStrategy[Packet]:
    not_found, refused = ReasonCode.PACKET_IDENTIFIER_NOT_FOUND, ReasonCode.QUOTA_EXCEEDED
    return st.one_of(
        st.builds(Puback, packet_ids, reasons(version, refused), properties(version, Place.PUBACK)),
        st.builds(Pubrec, packet_ids, reasons(version, refused), properties(version, Place.PUBREC)),
        st.builds(Pubrel, packet_ids, reasons(version, not_found), properties(version, Place.PUBREL)),
        st.builds(Pubcomp, packet_ids, reasons(version, not_found), properties(version, Place.PUBCOMP)),
    )


def subscribing(version: ProtocolVersion) -> st.SearchStrategy[Packet]:
    wanted = st.lists(subscriptions(version), min_size=1, max_size=4).map(tuple)
    granted = st.lists(st.sampled_from([0, 1, 2, 0x80]), min_size=1, max_size=4).map(tuple)
    ended = st.lists(st.sampled_from([0, 0x11, 0x80]), min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Subscribe, packet_ids, wanted, properties(version, Place.SUBSCRIBE)),
        st.builds(Suback, packet_ids, granted, properties(version, Place.SUBACK)),
        st.builds(
            Unsubscribe,
            packet_ids,
            st.lists(filters, min_size=1, max_size=4).map(tuple),
            properties(version, Place.UNSUBSCRIBE),
        ),
        st.builds(Unsuback, packet_ids, ended if version is V5 else st.just(()), properties(version, Place.UNSUBACK)),
    )


def packets(version: ProtocolVersion) -> st.SearchStrategy[Packet]:
    """Return every packet that both sides of a connection of that version may meet."""
    v5_only = [
        st.builds(Auth, reasons(version, ReasonCode.RE_AUTHENTICATE), properties(version, Place.AUTH)),
    ]
    return st.one_of(
        connects(version),
        st.builds(
            Connack, st.booleans(), reasons(version, ReasonCode.BANNED).map(int), properties(version, Place.CONNACK)
        ),
        publishes(version),
        answers(version),
        subscribing(version),
        st.just(Pingreq()),
        st.just(Pingresp()),
        st.builds(Disconnect, reasons(version, ReasonCode.DISCONNECT_WITH_WILL), properties(version, Place.DISCONNECT)),
        *(v5_only if version is V5 else []),
    )
