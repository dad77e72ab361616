"""What ``certinel simulate`` can be told: its options, and what is read out of their texts."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.mqtt.packets import ProtocolVersion
from certinel.simulation.client_tls import KeyExchange
from certinel.simulation.plan import Fault, Scenario
from certinel.simulation.report import Limit, UnusableLimitError

DEFAULT_DURATION_SECONDS = 30.0


class MqttVersion(StrEnum):
    """What the devices speak; only 5.0 tells them why they are refused."""

    V3_1_1 = "3.1.1"
    V5 = "5.0"

    @property
    def protocol(self) -> ProtocolVersion:
        """The same for the codec."""
        return ProtocolVersion.V5 if self is MqttVersion.V5 else ProtocolVersion.V3_1_1


ScenarioName = Annotated[
    Scenario,
    typer.Argument(help="storm: connect and leave; telemetry: stay and send; tokens: stay and ask for them."),
]
DeviceCount = Annotated[int, typer.Option(min=1, max=100_000, help="How many, each with a certificate of its own.")]
Times = Annotated[
    int | None,
    typer.Option(min=1, help="How often each does it (connects, measurements, tokens), instead of --duration."),
]
Duration = Annotated[
    float | None, typer.Option(min=0.1, help=f"Seconds; {DEFAULT_DURATION_SECONDS:.0f} unless --times is given.")
]
Rate = Annotated[
    float, typer.Option(min=0, max=1000, help="What each device does in a second; 0 as fast as it is answered.")
]
Ramp = Annotated[float, typer.Option(min=0, help="Seconds over which the devices come; all at once by default.")]
AtOnce = Annotated[int, typer.Option(min=1, help="Connects under way at one moment, at most.")]
Faults = Annotated[
    list[str] | None,
    typer.Option(help=f"NAME=PERCENT of the devices, repeatable: {', '.join(Fault)}.", metavar="NAME=PERCENT"),
]
Host = Annotated[str, typer.Option(help="Where the platform is.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Its MQTT port.")]
ServerCa = Annotated[
    Path | None,
    typer.Option(envvar="CERTINEL_CA", help="CA of the platform's own certificate, unless this computer trusts it."),
]
SpokenVersion = Annotated[MqttVersion, typer.Option(help="Only 5.0 tells a device why it is refused.")]
HowKeysAreAgreedOn = Annotated[
    KeyExchange, typer.Option(help="p256: as every device can; post-quantum: as OpenSSL does where both sides can.")
]
NamePrefix = Annotated[str, typer.Option(help="How the common names begin; a number follows.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same faulty devices and choices.")]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        help="End with 1 above this, repeatable: puback.p99=250ms, connack.max=2s, unexpected=1%.", metavar="LIMIT"
    ),
]
ReportFile = Annotated[Path | None, typer.Option(help="Write the report as JSON here.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
OperatedHost = Annotated[
    str | None, typer.Option(metavar="HOST", help="Name the host again when it is not this computer.")
]


def seconds_of(duration: float | None, times: int | None) -> float | None:
    """Return how long a run takes at most; None when it ends by itself."""
    return DEFAULT_DURATION_SECONDS if times is None and duration is None else duration


def shares_of(faults: Iterable[str] | None) -> dict[Fault, float]:
    """Read ``wrong-name=5`` and ``cut=0.5%``, each once."""
    shares: dict[Fault, float] = {}
    for text in faults or ():
        name, _, percent = text.partition("=")
        try:
            fault, share = Fault(name), float(percent.removesuffix("%"))
        except ValueError:
            problem = f"{text!r} is no fault as wrong-name=5; there are {', '.join(Fault)}"
            raise CommandError(problem, EXIT_USAGE) from None
        if fault in shares:
            raise CommandError(f"{fault} is there twice", EXIT_USAGE)
        shares[fault] = share
    return shares


def limits_of(texts: Iterable[str] | None) -> list[Limit]:
    """Read ``puback.p99=250ms`` and its like."""
    try:
        return [Limit.parse(text) for text in texts or ()]
    except UnusableLimitError as error:
        raise CommandError(str(error), EXIT_USAGE) from None
