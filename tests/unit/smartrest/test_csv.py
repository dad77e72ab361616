"""The rows of SmartREST (MQTT implementation guide, "Escaping characters")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.smartrest.csv import MalformedRow, encode_row, rows

FIELDS = st.text(
    alphabet=st.one_of(st.sampled_from('",\\\n\r\t ;a'), st.characters(codec="utf-8", exclude_characters="\0"))
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("100", [["100"]]),
        ("100\n", [["100"]]),
        ("100\r\n", [["100"]]),
        ("100,a\n200,b", [["100", "a"], ["200", "b"]]),
        ("100,a\r\n200,b\r\n", [["100", "a"], ["200", "b"]]),
        ("100\n\n \r\n\t\n", [["100"]]),
        ("100,,", [["100", "", ""]]),
        ("114, c8y_Restart ,\tc8y_Command", [["114", "c8y_Restart", "c8y_Command"]]),
        ("a b, c  d ", [["a b", "c  d"]]),
    ],
)
def test_rows_without_quotes(text: str, expected: list[list[str]]) -> None:
    assert list(rows(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('503,c8y_Command,"a ""b"""', [["503", "c8y_Command", 'a "b"']]),
        (r'503,c8y_Command,"a \"b\""', [["503", "c8y_Command", 'a "b"']]),
        ('a,"b,c",d', [["a", "b,c", "d"]]),
        ('a,"b\nc"\nd', [["a", "b\nc"], ["d"]]),
        ('a,"b\r\nc"\r\nd\r\n', [["a", "b\r\nc"], ["d"]]),
        ('a,"  b\t"', [["a", "  b\t"]]),
        ('a , "b" ,c', [["a", "b", "c"]]),
        ('a,""', [["a", ""]]),
        ('"",a', [["", "a"]]),
        ('""', [[""]]),
        ('"200",a,', [["200", "a", ""]]),
        ('a,"b"\n\n  \n', [["a", "b"]]),
        ('a,""""', [["a", '"']]),
        (r'a,"\""', [["a", '"']]),
        (r'a,"\"\""', [["a", '""']]),
        (r'a,"\",b"', [["a", '",b']]),
        (r'a,"\"x""y"', [["a", '"x"y']]),
        (r'a,"""x\"y"', [["a", '"x"y']]),
    ],
)
def test_rows_with_quotes(text: str, expected: list[list[str]]) -> None:
    assert list(rows(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"a,C:\dir\n", r"C:\dir\n"),
        (r'a,"C:\dir,\n"', r"C:\dir,\n"),
        (r'a,"say \""hi\"", ok"', r"say \"hi\", ok"),
        (r'a,"{""k"":""say \""hi\"", ok""}"', r'{"k":"say \"hi\", ok"}'),
        (r'a,"""C:\",b', '"C:\\'),
        (r'a,"b,\\"', "b,\\"),
        (r'a,"\\\"b"', r"\"b"),
    ],
)
def test_a_backslash_is_a_letter_unless_it_escapes_a_quote(text: str, expected: str) -> None:
    assert next(rows(text))[1] == expected  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('100,"a', [MalformedRow("100")]),
        ('"100', [MalformedRow("")]),
        ('100,"a"b\n200,c', [MalformedRow("100"), ["200", "c"]]),
        ('100,a"b\n200,c', [MalformedRow("100"), ["200", "c"]]),
        ('1"0,a\n200,c', [MalformedRow(""), ["200", "c"]]),
        ('100,a\n200,"b\n506,1', [["100", "a"], MalformedRow("200")]),
        ("100,a\0\n200,c", [MalformedRow("100"), ["200", "c"]]),
        ('100,"a\0"\n200,c', [MalformedRow("100"), ["200", "c"]]),
        ('1\x0000,"a\n', [MalformedRow("100")]),
    ],
)
def test_a_malformed_row_is_reported_in_its_place(text: str, expected: list[object]) -> None:
    assert list(rows(text)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("511", "serial", 'echo "hello"\necho "world"'), '511,serial,"echo \\"hello\\"\necho \\"world\\""'),
        (("a", "b,c"), 'a,"b,c"'),
        (("a", " b"), 'a," b"'),
        (("a", "b "), 'a,"b "'),
        (("a", "b\tc"), 'a,"b\tc"'),
        (("a", "b\rc"), 'a,"b\rc"'),
        (("a", "b c"), "a,b c"),
        (("a", ""), "a,"),
        (("a", r"C:\dir"), r"a,C:\dir"),
        (("a", "b,\\"), r'a,"b,\\"'),
        (("",), '""'),
    ],
)
def test_encoded_rows(fields: tuple[str, ...], expected: str) -> None:
    assert encode_row(fields) == expected


@given(st.lists(st.lists(FIELDS, min_size=1), min_size=1))
def test_encoded_rows_read_back_as_they_were(given_rows: list[list[str]]) -> None:
    assert list(rows("\n".join(encode_row(row) for row in given_rows))) == given_rows


@given(st.lists(FIELDS, min_size=1))
def test_rows_of_a_writer_that_doubles_every_quote_read_back(fields: list[str]) -> None:
    quoted = [field.replace("\\", "/").replace('"', '""') for field in fields]
    assert list(rows(",".join(f'"{field}"' for field in quoted))) == [[field.replace("\\", "/") for field in fields]]


@given(st.text(alphabet='",\\\n\r a0\0'))
def test_any_text_yields_rows_with_at_least_one_field(text: str) -> None:
    assert all(isinstance(row, MalformedRow) or row for row in rows(text))


@pytest.mark.timeout(60)  # going back over the text would take minutes
@pytest.mark.parametrize(
    "pattern",
    ['"\n', '"",', '\\"', '"\\"', "\\", '"\\', " ", '" ', '","', '"",\\"\n', ",", 'a"\n', '"""\n', '\\""', '""\\'],
)
def test_a_long_text_is_read_in_one_pass(pattern: str) -> None:
    text = '1,"' + pattern * (100_000 // len(pattern))
    assert sum(1 for _ in rows(text)) <= len(text)
