"""The drawing of a chain, in terminals of every width."""

from io import BytesIO, TextIOWrapper

import pytest
from rich.console import Console

from certinel.api.explanation_answer import ExplanationAnswer
from certinel.cli.chain_drawing import ChainDrawing
from certinel.cli.explained_cards import drawing_of
from certinel.domain.chain_alone import judge_alone
from certinel.domain.explained_chain import explained
from support.certificates import AT, EXPIRED, Issued, root_authority, self_signed_device
from support.trust import TrustWorld

ROOT = root_authority("Plant CA", path_length=2)
HALL = ROOT.authority("Hall 3")
PUMP = HALL.device("pump-7", serial=0x1000)
EXPIRED_PUMP = HALL.device("pump-7", valid=EXPIRED)


def alone(*certificates: Issued) -> ChainDrawing:
    """A chain judged without a platform."""
    presented = [one.der for one in certificates]
    judged = judge_alone(presented, AT)
    return drawing_of(ExplanationAnswer.of(explained(presented, judged.verdict, judged.trust, AT)))


def by(world: TrustWorld, device: Issued) -> ChainDrawing:
    """A chain judged by a platform."""
    return drawing_of(ExplanationAnswer.of(explained(device.chain_der, world.connect(device), world.store, world.at)))


def lines_of(drawing: ChainDrawing, width: int, encoding: str = "utf-8") -> list[str]:
    terminal = TextIOWrapper(BytesIO(), encoding, errors="replace")
    Console(file=terminal, width=width, highlight=False).print(drawing)
    terminal.seek(0)
    return [line.rstrip() for line in terminal]


def test_cards_stand_below_each_other_where_it_is_narrow() -> None:
    assert lines_of(alone(*EXPIRED_PUMP.chain), 46)[:12] == [
        "╭─ ✗ Device certificate ─────────────────────╮",
        "│ CN=pump-7, O=Example                       │",
        "│ EC P-256, expired 1 Jan 2026               │",
        f"│ serial {shortened_serial(EXPIRED_PUMP)}                   │",
        "╰────────────────────────────────────────────╯",
        "      ╳",
        "      The device certificate CN=pump-7,",
        "      O=Example expired on 1 Jan 2026, 00:00",
        "      UTC.",
        "      → Renew the device certificate.",
        "      ┆",
        "╭─ Intermediate certificate ─────────────────╮",
    ]


def shortened_serial(issued: Issued) -> str:
    digits = f"{issued.certificate.serial_number:x}"
    return f"{digits[:8]}…{digits[-8:]}"


def test_cards_stand_side_by_side_where_it_is_wide() -> None:
    top, names, facts, numbers, bottom = lines_of(alone(*PUMP.chain), 120)
    assert top.count("╭─") == bottom.count("╰─") == 3
    assert [names.index(name) for name in ("CN=pump-7", "CN=Hall 3", "CN=Plant CA")] == [2, 43, 84]
    assert facts.count("────▶") == 2
    assert "serial 1000 " in numbers
    assert "pathlen 2" in numbers


@pytest.mark.parametrize("width", [20, 40, 60, 80, 99, 100, 118, 120, 160, 250])
@pytest.mark.parametrize("chain", [PUMP.chain, EXPIRED_PUMP.chain, (PUMP,), (PUMP, ROOT)])
def test_drawing_is_never_wider_than_the_terminal(width: int, chain: tuple[Issued, ...]) -> None:
    assert max(map(len, lines_of(alone(*chain), width))) <= width


def test_terminal_without_boxes_gets_signs() -> None:
    for width in (80, 150):
        text = "\n".join(lines_of(alone(*EXPIRED_PUMP.chain), width, "ascii"))
        assert "expired 1 Jan 2026" in text
        assert "X" in text
        assert "+-" in text


def test_words_stand_under_the_broken_link() -> None:
    lines = lines_of(alone(*EXPIRED_PUMP.chain), 150)
    (link,) = [line for line in lines if "╌╌╳╌╌" in line]
    sentence = next(line for line in lines if "The device certificate" in line)
    assert sentence.index("The device") == link.index("╳")


def test_what_is_missing_has_a_dashed_card() -> None:
    lines = lines_of(alone(PUMP, ROOT), 80)
    assert any(line.startswith("╭╌ Intermediate certificate ╌") for line in lines)
    assert any(line.startswith("┆ was not sent") for line in lines)


def test_chain_that_nobody_trusts_ends_with_the_issuer_that_is_missing() -> None:
    lines = lines_of(alone(PUMP), 80)
    assert any(line.startswith("╭╌ Trusted certificate ╌") for line in lines)
    assert any(line.startswith("┆ CN=Hall 3, O=Example") for line in lines)


def test_admitted_chain_ends_with_its_tenant() -> None:
    world = TrustWorld()
    world.trust(ROOT, name="Plant")
    text = "\n".join(lines_of(by(world, PUMP), 80))
    assert "│ t1000 " in text
    assert "╭─ Trusted certificate: Plant ─" in text
    assert "│ will register pump-7 " in text
    assert "│ auto registration on, not proven" in text
    world.device_user("pump-7")
    assert "│ pump-7 is registered " in "\n".join(lines_of(by(world, PUMP), 80))


def test_link_to_the_tenant_is_broken_when_no_certificate_is_at_fault() -> None:
    world = TrustWorld()
    world.trust(ROOT, name="Plant", auto_registration=False)
    lines = lines_of(by(world, PUMP), 80)
    broken = lines.index("      ╳")
    assert "auto registration off" in "\n".join(lines[:broken])
    assert any(line.startswith("╭─ Tenant ─") for line in lines[broken:])
    assert not any("✗" in line for line in lines)


def test_device_that_is_trusted_itself_is_one_card() -> None:
    lines = lines_of(alone(self_signed_device("pump-7")), 80)
    assert lines[0].startswith("╭─ Device certificate, trusted itself ─")
    assert len(lines) == 5


def test_words_alone_are_shown_when_there_is_too_much_to_draw() -> None:
    lines = lines_of(alone(*[PUMP] * 12), 80)
    assert lines == [
        "12 certificates were presented; at most 11 are read.",
        "→ Send only the device certificate and its issuers.",
    ]


def test_damaged_certificate_has_its_place() -> None:
    presented = [PUMP.der, HALL.der[:-1], ROOT.der]
    judged = judge_alone(presented, AT)
    drawing = drawing_of(ExplanationAnswer.of(explained(presented, judged.verdict, judged.trust, AT)))
    lines = lines_of(drawing, 80)
    assert any(line.startswith("╭─ ✗ Certificate 2 ─") for line in lines)
    assert any(line.startswith("│ cannot be read") for line in lines)
