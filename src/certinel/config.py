"""All settings of a node, read and checked once.

Where a value comes from, the first that has one: command line option, environment (``CERTINEL_MQTT_PORT``; sections
with two underscores: ``CERTINEL_TRUST__MAX_CHAIN_LENGTH``), ``certinel.toml``, the default here. Nothing else in the
program reads the environment.
"""

import os
import tomllib
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from typing_extensions import override

Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; 0 lets the system choose one, which ``node.json`` in the data directory then names."""


class WrongSettingError(Exception):
    """A setting that cannot be used; the message names it."""


def _listed(value: object) -> object:
    """Take a list with commas, as environment and options have it, for what a file writes as an array."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TrustSettings(_Section):
    """Who is trusted, for the whole platform."""

    max_chain_length: int = Field(default=2, ge=1, le=12)
    """Most certificates on the path from a device to a trusted certificate, both included."""
    require_proof: bool = False
    """Admit devices only under trusted certificates whose possession is proven."""
    max_staleness: float = Field(default=60.0, ge=1, le=3600)
    """Seconds without word from the database after which a node refuses new connections rather than guess."""
    shared_certificates: bool = True
    """Let several tenants upload the same CA; proven possession then decides. False refuses the second with 409."""


class TlsSettings(_Section):
    """The certificate that the node shows to devices and browsers."""

    certificate: Path | None = None
    """PEM file with the server certificate and its issuers; without it the node makes its own."""
    key: Path | None = None
    """PEM file with the private key of that certificate."""
    key_passphrase: SecretStr | None = None
    """Passphrase of the private key."""
    reload_interval: float = Field(default=5.0, gt=0, le=3600)
    """Seconds between two looks at the files for a renewed certificate."""


class GatewaySettings(_Section):
    """How devices reach the node."""

    handshake_timeout: float = Field(default=50.0, gt=0, le=600)
    """Seconds after which a TLS handshake that is not finished is dropped; slow devices with an HSM need them."""
    connect_timeout: float = Field(default=20.0, gt=0, le=600)
    """Seconds after the handshake within which CONNECT has to arrive."""
    max_handshakes: int = Field(default=2000, ge=1)
    """TLS handshakes under way at once."""
    max_handshakes_per_address: int = Field(default=500, ge=1)
    """TLS handshakes under way at once from one address; devices behind one NAT share it. An address is an IPv4 address
    or an IPv6 network of 64 bits. Both limits hold a second time for connections that wait for their CONNECT to come
    and to be answered."""
    max_connections: int = Field(default=100_000, ge=1)
    """Connections at once, in whatever state, on each port; fewer where the system gives the node fewer open files."""
    session_share_per_tenant: float = Field(default=0.9, gt=0, le=1)
    """The part of the connections of the MQTT port that live sessions of one tenant may take; further devices of it are
    told to come again later. The rest is there for everybody else, whatever one tenant does. 1 for no limit."""
    connections_per_second_per_address: float = Field(default=1000.0, ge=0)
    """New connections of one address in the long run; more are closed unread. 0 for no limit."""
    connection_burst_per_address: int = Field(default=5000, ge=1)
    """New connections of one address at once, after a quiet time."""
    connects_per_second_per_tenant: float = Field(default=1000.0, ge=0)
    """Devices of one tenant that may connect in the long run; more are told to come again later. 0 for no limit. With
    any value tenants take turns when the node is busy. A connection that asks for a tenant's own domain counts from its
    first message on, until it is known whose device it is; such connections take half of the burst at most."""
    connect_burst_per_tenant: int = Field(default=20_000, ge=1)
    """Devices of one tenant that may connect at once, after a quiet time."""
    failures_per_second_per_address: float = Field(default=200.0, ge=0)
    """Refused connects of one address in the long run; beyond, only devices that were verified before are looked at.
    0 for no limit."""
    failure_burst_per_address: int = Field(default=2000, ge=1)
    """Refused connects of one address at once, after a quiet time."""
    failures_per_second_per_certificate: float = Field(default=1.0, ge=0)
    """Refused connects with one device certificate in the long run; beyond, it is told to come again later. 0 for no
    limit."""
    failure_burst_per_certificate: int = Field(default=20, ge=1)
    """Refused connects with one device certificate at once, after a quiet time."""
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Networks of load balancers that begin every MQTT and HTTPS connection with a header of PROXY protocol version 2.
    Limits, logs and attempts then have the address of the real peer. Without the header their connections are closed;
    nobody else's header is read, and version 1 of the protocol is not."""
    max_packet_bytes: int = Field(default=16184, ge=1024, le=268435455)
    """Largest MQTT packet, header included."""
    idle_timeout: float = Field(default=0.0, ge=0)
    """Seconds of silence after which a connection without keep-alive is closed; 0 never closes it."""
    stop_timeout: float = Field(default=10.0, ge=0, le=600)
    """Seconds a stopping node gives what is in flight."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return _listed(value)


class TokenSettings(_Section):
    """The tokens that devices get."""

    algorithm: Literal["ES256", "RS256"] = "ES256"
    """Signature algorithm of new signing keys."""
    key_lifetime_days: float = Field(default=90.0, ge=0, le=3650)
    """Days after which a new signing key is made; 0 makes one by command only."""
    key_overlap_days: float = Field(default=30.0, ge=1, le=3650)
    """Days for which signatures of the key before are still accepted; tokens that live longer end with it."""


class LogSettings(_Section):
    """What the node writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written."""
    form: Literal["auto", "json", "console"] = "auto"
    """JSON lines for machines, or coloured lines for people; auto looks whether standard error is a terminal."""


class Settings(BaseSettings):
    """A node's settings."""

    model_config = SettingsConfigDict(
        env_prefix="CERTINEL_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    data_dir: Path = Path("certinel-data")
    """Where the node keeps its database, keys and certificates."""
    host: str = "0.0.0.0"  # noqa: S104 - devices come from other machines
    """Address that MQTT and HTTPS listen on."""
    mqtt_port: Port = 8883
    """Port of MQTT over TLS."""
    https_port: Port = 8443
    """Port of REST over HTTPS."""
    http_port: Port | None = 8080
    """Port of REST over plain HTTP; "off" leaves it out."""
    http_host: str = "127.0.0.1"
    """Address that plain HTTP listens on; passwords and tokens travel readable there, so loopback only."""
    public_host: Annotated[tuple[str, ...], NoDecode] = ()
    """Names and addresses under which devices reach the node; they go into the generated server certificate."""
    database: SecretStr | None = None
    """``postgresql://user:password@host/name``; without it SQLite in the data directory."""
    admin_password: SecretStr | None = None
    """Password of the administrators on the first start; generated and shown once when missing."""
    trust: TrustSettings = TrustSettings()
    tls: TlsSettings = TlsSettings()
    gateway: GatewaySettings = GatewaySettings()
    token: TokenSettings = TokenSettings()
    log: LogSettings = LogSettings()

    @field_validator("http_port", mode="before")
    @classmethod
    def _port_or_off(cls, value: object) -> object:
        return None if value == "off" else value

    @field_validator("public_host", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return _listed(value)

    @override
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        file = cls.model_config.get("toml_file")
        return (*sources, TomlConfigSettingsSource(settings_cls, file)) if file else sources


def notify_socket() -> str | None:
    """Return where the service manager that started this process wants to hear that it is ready, if it does."""
    return os.environ.get("NOTIFY_SOCKET")


def load(options: dict[str, Any], config_file: Path | None) -> Settings:
    """Read the settings of a node; ``options`` are those given on the command line.

    Raises:
        WrongSettingError: in one line for one wrong setting after the other, never with a value that may be secret.
    """
    if config_file is not None and not config_file.is_file():
        raise WrongSettingError(f"there is no settings file {config_file}")

    class _WithFile(Settings):
        model_config = SettingsConfigDict(toml_file=config_file)

    try:
        return (_WithFile if config_file is not None else Settings)(**options)
    except ValidationError as error:
        raise WrongSettingError(_in_words(error)) from None
    except SettingsError as error:
        raise WrongSettingError(str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSettingError(f"{config_file} is not TOML: {error}") from None


_WORDS = {"extra_forbidden": "there is no such setting"}
"""What pydantic's words for a fault do not tell an operator."""


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"setting {'.'.join(str(part) for part in fault['loc'])}: {_WORDS.get(fault['type'], fault['msg'])}"
        for fault in error.errors()
    )
