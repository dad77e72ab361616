"""What a simulation is to do: how many devices, doing what, which of them faulty. No I/O; chance has a seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Scenario(StrEnum):
    """What the devices do once they are let in."""

    STORM = "storm"
    """Connect and leave, again and again: the way of a fleet after a power cut."""
    TELEMETRY = "telemetry"
    """Stay connected and send measurements."""
    TOKENS = "tokens"
    """Stay connected and ask for tokens."""


class Fault(StrEnum):
    """What can be wrong with a simulated device."""

    WRONG_NAME = "wrong-name"
    """Its client id is not the common name of its certificate."""
    EXPIRED = "expired"
    """Its certificate ended yesterday."""
    UNKNOWN_CA = "unknown-ca"
    """Its certificate is from a CA that nobody trusts."""
    CUT = "cut"
    """Its connection breaks without a word, now and then; it comes back."""

    @property
    def is_refused(self) -> bool:
        """Whether a platform that does its work refuses such a device."""
        return self is not Fault.CUT


class UnusablePlanError(ValueError):
    """The plan contradicts itself; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One simulation. The same plan makes the same devices and the same choices."""

    devices: int
    scenario: Scenario = Scenario.TELEMETRY
    times: int | None = None
    """How often each device does it: connects, measurements, tokens; None until the duration is over."""
    duration_seconds: float | None = None
    ramp_seconds: float = 0.0
    """The devices come one after the other over this time."""
    per_second: float = 1.0
    """What each device does in a second; 0 as fast as it is answered."""
    at_once: int = 500
    """Connects under way at one moment, at most."""
    fault_percent: Mapping[Fault, float] = field(default_factory=dict)
    seed: int = 0
    name_prefix: str = "sim-"

    def __post_init__(self) -> None:
        """Refuse what cannot be carried out."""
        if self.devices < 1 or self.at_once < 1:
            raise UnusablePlanError("there is at least one device, and one connect at once")
        if self.times is None and self.duration_seconds is None:
            raise UnusablePlanError("without a number of times or a duration it would never end")
        if any(not 0 <= percent <= 100 for percent in self.fault_percent.values()):  # noqa: PLR2004 - per cent
            raise UnusablePlanError("a fault has between 0 and 100 per cent of the devices")
        if sum(self.fault_percent.values()) > 100:  # noqa: PLR2004 - per cent
            raise UnusablePlanError("more than 100 per cent of the devices are faulty")

    def name_of(self, number: int) -> str:
        """Return the common name of a device, counted from 0."""
        return f"{self.name_prefix}{number:0{len(str(self.devices - 1))}d}"

    @property
    def healthy_devices(self) -> int:
        """How many devices are let in by a platform that does its work."""
        return sum(fault is None or not fault.is_refused for fault in self._in_turn())

    def faults(self) -> list[Fault | None]:
        """Return what is wrong with each device, None for the healthy ones; shares are exact to half a device."""
        everyone = self._in_turn()
        self.chance("faults").shuffle(everyone)
        return everyone

    def _in_turn(self) -> list[Fault | None]:
        """Return the faults of ``faults``, the same ones side by side."""
        faulty: list[Fault | None] = []
        for fault, percent in sorted(self.fault_percent.items()):
            faulty += [fault] * round(self.devices * percent / 100)
        faulty = faulty[: self.devices]
        return faulty + [None] * (self.devices - len(faulty))

    def chance(self, purpose: str) -> Random:
        """Return chance for one purpose, so that one choice more here changes none elsewhere."""
        return Random(f"{self.seed}/{purpose}")  # noqa: S311 - a simulation, no secret
