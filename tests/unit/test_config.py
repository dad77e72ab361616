"""Settings: lists in the environment and in files, and what is wrong is named."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from certinel.config import WrongSettingError, load


def test_trusted_proxies_are_networks_with_commas_between_them_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CERTINEL_GATEWAY__TRUSTED_PROXIES", "10.0.0.0/8, 2001:db8::1")
    assert load({}, None).gateway.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("2001:db8::1"))


def test_trusted_proxies_are_an_array_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "certinel.toml"
    file.write_text('[gateway]\ntrusted_proxies = ["192.0.2.1"]\n')
    assert load({}, file).gateway.trusted_proxies == (ip_network("192.0.2.1"),)


@pytest.mark.parametrize("value", ["balancer.example", "10.0.0.1/8", "10.0.0.0/33"])
def test_a_trusted_proxy_that_is_no_network_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CERTINEL_GATEWAY__TRUSTED_PROXIES", value)
    with pytest.raises(WrongSettingError, match=r"setting gateway\.trusted_proxies"):
        load({}, None)


def test_nobody_is_a_trusted_proxy_by_default() -> None:
    assert load({}, None).gateway.trusted_proxies == ()
