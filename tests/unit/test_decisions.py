"""Several people decide at a time, and the numbers of decisions are for ever: two of one number are found at once."""

from pathlib import Path

DECISIONS = Path(__file__).parents[2] / "docs/decisions"


def test_decisions_are_numbered_one_after_the_other_and_each_number_is_used_once() -> None:
    found = sorted((int(path.name[:4]), path.read_text().split(".", 1)[0]) for path in DECISIONS.glob("0*.md"))
    assert found == [(number, f"# {number}") for number in range(1, len(found) + 1)]
