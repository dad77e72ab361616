"""Topic names and filters, with the examples of the standard (4.7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.mqtt import is_shared, matches
from certinel.mqtt.errors import MqttError
from certinel.mqtt.topics import check_topic_filter, check_topic_name
from support.mqtt_packets import names


@pytest.mark.parametrize(
    ("topic_filter", "name", "is_match"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),  # 4.7.1.2
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/tennis/player1/#", "sport/tennis/player2", False),
        ("sport/#", "sport", True),
        ("#", "sport/tennis", True),
        ("#", "/", True),
        ("sport/tennis/+", "sport/tennis/player1", True),  # 4.7.1.3
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/", False),  # 4.7.2
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/monitor", True),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
        ("ACCOUNTS", "Accounts", False),  # 4.7.3
        ("/finance", "finance", False),
        ("s/ds", "s/ds", True),
        ("s/dc/#", "s/ds", False),
        ("s/+/x/#", "s/dc", False),
    ],
)
def test_filter_matches_as_the_standard_says(topic_filter: str, name: str, is_match: bool) -> None:
    check_topic_filter(topic_filter)
    check_topic_name(name)
    assert matches(topic_filter, name) is is_match


@pytest.mark.parametrize("topic_filter", ["", "sport/tennis#", "sport/tennis/#/ranking", "sport+", "#/", "++", "a/+b"])
def test_malformed_filter_is_refused(topic_filter: str) -> None:
    with pytest.raises(MqttError):
        check_topic_filter(topic_filter)


@pytest.mark.parametrize("name", ["", "#", "s/+/x"])
def test_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(MqttError):
        check_topic_name(name)


def test_shared_subscription_is_told_from_others() -> None:
    assert is_shared("$share/group/s/ds")
    assert not is_shared("$shared/s/ds")


@given(names)
def test_every_name_matches_itself_and_all_levels(name: str) -> None:
    assert matches(name, name)
    assert matches("#", name)


@given(st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=5), st.data())
def test_one_level_wildcard_matches_any_level(levels: list[str], data: st.DataObject) -> None:
    wanted = [data.draw(st.sampled_from([level, "+"])) for level in levels]
    if wanted != [""]:
        assert matches("/".join(wanted), "/".join(levels))
        assert not matches("/".join(wanted), "/".join([*levels, "a"]))
