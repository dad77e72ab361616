"""The forms of a page, as a browser would send them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class HtmlForm:
    """A form with the values that it would be sent with; buttons are left out."""

    action: str
    method: str
    fields: dict[str, Any] = field(default_factory=dict)
    """A list of values where several fields have one name."""

    def add(self, name: str, value: str) -> None:
        if name not in self.fields:
            self.fields[name] = value
        elif isinstance(self.fields[name], list):
            self.fields[name].append(value)
        else:
            self.fields[name] = [self.fields[name], value]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.elsewhere: list[tuple[str, str]] = []
        """Of buttons outside of the form that they send: its id, and where they send it to."""
        self.by_id: dict[str, HtmlForm] = {}
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.forms.append(HtmlForm(given.get("action") or "", (given.get("method") or "get").lower()))
            self.by_id[given.get("id") or ""] = self.forms[-1]
        elif tag == "button" and given.get("form") and given.get("formaction"):
            self.elsewhere.append((given["form"] or "", given["formaction"] or ""))
        elif not self.forms:
            return
        elif tag == "input" and name and given.get("type") not in {"file", "submit"}:
            is_box = given.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in given:
                self.forms[-1].add(name, value or ("on" if is_box else ""))
        elif tag == "textarea" and name:
            self._area = name
            self.forms[-1].fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.forms[-1].fields):
            self.forms[-1].fields[self._select] = value

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            self.forms[-1].fields[self._area] = self.forms[-1].fields[self._area].removeprefix("\n")
            self._area = None
        elif tag == "select":
            self._select = None


def forms_of(page: str) -> list[HtmlForm]:
    """Return the forms of a page in order, then those that buttons elsewhere on the page send."""
    reader = _Reader()
    reader.feed(page)
    sent = [
        HtmlForm(action, reader.by_id[form].method, dict(reader.by_id[form].fields))
        for form, action in reader.elsewhere
    ]
    return reader.forms + sent


def form_to(page: str, action: str) -> HtmlForm:
    """Return the one form whose action ends so."""
    found = [form for form in forms_of(page) if form.action.endswith(action)]
    assert len(found) == 1, f"{len(found)} forms to {action} on the page"
    return found[0]
