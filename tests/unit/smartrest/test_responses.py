"""The lines that agents wait for."""

from certinel.smartrest import responses


def test_a_second_creation_is_answered_with_the_text_agents_wait_for() -> None:
    assert responses.DEVICE_ALREADY_EXISTS.row() == "41,100,Device already existing"


def test_a_token_request_without_certificate_is_refused() -> None:
    assert (
        responses.NO_TOKEN_WITHOUT_CERTIFICATE.row()
        == "41,,MqttAuth: Cannot publish token for device that do not use certificate authentication"
    )


def test_a_token_is_sent_without_quotes() -> None:
    assert responses.token("eyJh.eyJp.c2ln-_") == "71,eyJh.eyJp.c2ln-_"


def test_a_server_error_names_its_row() -> None:
    assert responses.server_error("200", "out of order").row() == "50,200,out of order"
