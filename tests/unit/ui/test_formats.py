"""How values are written for people, and what keeps text of strangers from deceiving them."""

from datetime import UTC, datetime, timedelta

import pytest

from certinel.ui.csv_export import csv_file
from certinel.ui.files import file_name
from certinel.ui.formats import exact, relative, visible
from certinel.ui.forms import Form, own_address
from certinel.ui.texts import ENGLISH

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-59), "59 seconds ago"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(hours=-23, minutes=-59), "23 hours ago"),
        (timedelta(days=11), "in 11 days"),
        (timedelta(days=90), "in 3 months"),
        (timedelta(days=-4000), "10 years ago"),
    ],
)
def test_moment_is_told_by_its_distance(distance: timedelta, words: str) -> None:
    assert relative(NOW + distance, NOW, ENGLISH) == words


def test_moment_is_written_as_people_do() -> None:
    assert exact(NOW) == "23 Nov 2026, 14:05"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Zażółć 日本", "Zażółć 日本"), ("a\u202eb", "a\\u202eb"), ("\x1b[31m", "\\x1b[31m"), ("a\nb", "a\\nb")],
)
def test_text_of_strangers_cannot_turn_or_hide_what_is_around_it(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("name", "file"), [("Plant North", "Plant-North"), ("../../etc", "etc"), ("日本", "file"), ("a" * 99, "a" * 60)]
)
def test_file_name_is_one_plain_word(name: str, file: str) -> None:
    assert file_name(name, ".pem") == f"{file}.pem"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_cell_of_a_table_is_no_formula(cell: str) -> None:
    assert f"'{cell}".encode() in csv_file("x", ["heading"], [[cell]]).body


@pytest.mark.parametrize("address", ["//x/ui/", "https://x/ui/", "/ui", "/ui/../x\n", "/ui/sign-out", "\\\\x", ""])
def test_address_that_is_not_a_page_of_ours_becomes_the_first_page(address: str) -> None:
    assert own_address(address) == "/ui/"


def test_secrets_and_keys_are_never_shown_again() -> None:
    form = Form({"name": ["x"], "new-password": ["x"], "passphrase": ["x"], "text": ["-----BEGIN PRIVATE KEY-----"]})
    assert form.typed == {"name": ["x"]}
