"""The reader of pages itself: a page that is not true fails."""

from __future__ import annotations

import pytest

from support.reader import PageFailedError, Reader


def test_output_that_differs_fails(reader: Reader) -> None:
    with pytest.raises(PageFailedError, match="the page says"):
        reader.follow("```console\n$ echo two\none\n```\n")


def test_command_that_fails_without_a_word_about_it_in_the_page_fails(reader: Reader) -> None:
    with pytest.raises(PageFailedError, match="ends with 3"):
        reader.follow("```console\n$ (exit 3)\n```\n")


def test_ellipsis_stands_for_any_text_and_any_lines(reader: Reader) -> None:
    reader.follow("```console\n$ printf 'a 17 b\\n1\\n2\\nend\\n'\na … b\n…\nend\n```\n")


def test_captioned_block_is_a_file_and_the_shell_remembers(reader: Reader) -> None:
    reader.follow("```{code-block} text\n:caption: a.txt\n\nhere\n```\n```console\n$ n=a.txt\n$ cat $n\nhere\n```\n")
