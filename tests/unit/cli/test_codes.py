"""``certinel codes``: every code is listed and explained."""

import pytest

from certinel.cli.codes import codes
from certinel.cli.terminal import CommandError
from certinel.domain.causes import CAUSES
from certinel.domain.errors import EXPLANATIONS, Code


def test_all_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    codes()
    listed = capsys.readouterr().out
    assert [code for code in Code if code not in listed] == []


@pytest.mark.parametrize("code", [Code.CHAIN_TOO_LONG, Code.TRY_LATER])
def test_one_code_is_explained_with_causes_and_remedy(code: Code, capsys: pytest.CaptureFixture[str]) -> None:
    codes(code.value)
    told = "".join(capsys.readouterr().out.split())
    for words in (code.value, CAUSES[code].replace("`", ""), EXPLANATIONS[code].remedy):
        assert "".join(words.split()[:2]) in told


def test_every_code_has_causes() -> None:
    assert set(CAUSES) == set(Code)


def test_unknown_code_is_answered_with_those_that_are_near() -> None:
    with pytest.raises(CommandError, match="perhaps chain/too-long"):
        codes("too-long")
