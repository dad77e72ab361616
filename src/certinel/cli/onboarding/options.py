"""What ``certinel onboard`` can be told."""

from pathlib import Path
from typing import Annotated

import typer

DeviceName = Annotated[str, typer.Argument(help="Name of the first device; its MQTT client id.")]
PlatformUrl = Annotated[str, typer.Option(envvar="CERTINEL_URL", help="The platform's REST interface.")]
Administrator = Annotated[
    str, typer.Option(envvar="CERTINEL_USER", help="An administrator of the tenant, as TENANT/NAME.")
]
Password = Annotated[
    str | None,
    typer.Option(envvar="CERTINEL_PASSWORD", help="Of that user; better in the environment. Asked for if missing."),
]
ServerCa = Annotated[
    Path | None,
    typer.Option(envvar="CERTINEL_CA", help="CA of the platform's own certificate, unless this computer trusts it."),
]
MqttPort = Annotated[int, typer.Option(min=1, max=65535, help="The platform's MQTT port.")]
MqttHost = Annotated[str | None, typer.Option(help="Where its MQTT is, when not where REST is.")]
CaName = Annotated[
    str | None,
    typer.Option(help="Common name or whole subject of a new CA; by default it says whose devices it is for."),
]
EncryptCaKey = Annotated[bool, typer.Option("--encrypt", help="Encrypt the key of a new CA.")]
AutoRegistration = Annotated[
    bool, typer.Option(help="Whether devices of a new CA register themselves on their first connect.")
]
OutDir = Annotated[Path, typer.Option(help="Where everything of the device goes.")]
Connect = Annotated[bool, typer.Option(help="Try it: connect as the device, and call REST with its token.")]
