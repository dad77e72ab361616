"""The trial at the end of an onboarding: the device connects, registers, and calls REST with its token."""

import shlex
import time
from pathlib import Path
from urllib.parse import quote

import httpx

from certinel.cli.example_device import DeviceFiles, DeviceRefusedError, NoAnswerError, connected
from certinel.cli.onboarding.folder import DevicePaths
from certinel.cli.onboarding.trusting import Tell
from certinel.cli.reachability import trust_in
from certinel.cli.terminal import EXIT_USAGE, CommandError, this_program

REGISTRATION_SECONDS = 15.0
"""How long a platform may take to make the managed object of a device."""
PAUSE_SECONDS = 0.5


def try_out(paths: DevicePaths, host: str, port: int, url: httpx.URL, server_ca: Path | None, tell: Tell) -> None:
    """Connect as the device, and call REST with its token; whatever does not work is a CommandError."""
    files = DeviceFiles(chain=paths.chain, key=paths.key, server_ca=server_ca)
    try:
        with connected(f"d:{paths.name}", files, host, port) as device:
            tell("Connected", f"as d:{paths.name} to {host}:{port}")
            device.publish(f"100,{paths.name},c8y_MQTTDevice")
            token = device.request_token()
    except DeviceRefusedError as refused:
        raise CommandError(
            f"the platform refuses the device: {refused}; its administrator sees why: {this_program()} admin attempts"
            f" --device {shlex.quote(paths.name)} --details, or {this_program()} explain"
            f" {shlex.quote(str(paths.chain))} --url {url}"
        ) from None
    except NoAnswerError as error:
        raise CommandError(str(error), EXIT_USAGE) from None
    tell("REST called with its token", f"it is managed object {_object_of(paths.name, url, token, server_ca)}")


def _object_of(name: str, url: httpx.URL, token: str, server_ca: Path | None) -> str:
    """Return the id of the managed object of a device, as the device itself reads it.

    A platform may acknowledge the registration before it has carried it out: it is asked again for a while.
    """
    deadline = time.monotonic() + REGISTRATION_SECONDS
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    with httpx.Client(base_url=url, verify=trust_in(server_ca), headers=headers) as client:
        while True:
            try:
                answer = client.get(f"/identity/externalIds/c8y_Serial/{quote(name, safe='')}")
                if answer.is_success:
                    return str(answer.json()["managedObject"]["id"])
            except httpx.HTTPError as error:
                raise CommandError(f"{url}: {str(error) or type(error).__name__}", EXIT_USAGE) from None
            except (ValueError, KeyError, TypeError):
                raise CommandError(f"{url} gives an answer that is not of the contract", EXIT_USAGE) from None
            if answer.status_code != httpx.codes.NOT_FOUND or time.monotonic() > deadline:
                raise CommandError(f"{url} answers the device's token with {answer.status_code}")
            time.sleep(PAUSE_SECONDS)
