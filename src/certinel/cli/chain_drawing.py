"""The drawing of a chain in the terminal: linked cards from the device to the tenant, broken where it fails.

Side by side where there is room, below each other where not. What the cards say comes from the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from rich.box import ROUNDED, Box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.constrain import Constrain
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

MAX_CARD_WIDTH = 78
MIN_WIDTH_BESIDE = 100
"""Columns of a terminal in which cards stand side by side."""
MIN_CARD_BESIDE = 36
MAX_CARD_BESIDE = 48
CONNECTOR_WIDTH = 5
MAX_WORDS_WIDTH = 80
MIN_WORDS_WIDTH = 48
"""Columns for the words under a broken link, before they move to the left of it."""
LINK_COLUMN = 6

DASHED = Box("╭╌╌╮\n┆  ┆\n╌╌╌╌\n┆  ┆\n╌╌╌╌\n╌╌╌╌\n┆  ┆\n╰╌╌╯\n")


class CardState(Enum):
    """How a card is drawn."""

    SOUND = "green"
    FAILING = "bold red"
    BEYOND = "dim"
    """Above the place where the chain is broken."""
    MISSING = "red"
    """Something that ought to be there."""


@dataclass(frozen=True, slots=True)
class Card:
    """One certificate of the chain, or the tenant at its end."""

    title: str
    facts: Sequence[Text]
    """Two or three; the first says what it is."""
    state: CardState = CardState.SOUND


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """Where the chain is broken, and the words under it."""

    after: int
    """The index of the card above which it is broken."""
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ChainDrawing:
    """Prints itself: ``console.print(drawing)``."""

    cards: Sequence[Card]
    broken: BrokenLink | None = None

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.cards:
            if self.broken is not None:
                yield _words(self.broken, 0, options.max_width)
            return
        beside = _width_beside(len(self.cards), options.max_width)
        yield self._beside(beside, options) if beside else self._below(options)

    # ---- below each other

    def _below(self, options: ConsoleOptions) -> Group:
        width = min(options.max_width, MAX_CARD_WIDTH)
        rows: list[Panel | Text | Constrain] = []
        for index, card in enumerate(self.cards):
            rows.append(_panel(card, width))
            is_last = index == len(self.cards) - 1
            if self.broken is not None and self.broken.after == index:
                rows += [_down(options, "╳", "X"), _words(self.broken, LINK_COLUMN, options.max_width)]
                rows += [] if is_last else [_down(options, "┆", ":")]
            elif not is_last:
                is_beyond = self.broken is not None and index > self.broken.after
                rows.append(_down(options, "│", "|", "dim" if is_beyond else "green"))
        return Group(*rows)

    # ---- side by side

    def _beside(self, width: int, options: ConsoleOptions) -> Group:
        grid = Table.grid(padding=0)
        cells: list[Panel | Text] = []
        height = max(len(card.facts) for card in self.cards) + 2
        for index, card in enumerate(self.cards):
            grid.add_column(width=width)
            cells.append(_panel(card, width, height))
            if index < len(self.cards) - 1:
                grid.add_column(width=CONNECTOR_WIDTH, vertical="middle")
                cells.append(self._across(index, options))
        grid.add_row(*cells)
        if self.broken is None:
            return Group(grid)
        column = (self.broken.after + 1) * (width + CONNECTOR_WIDTH) - CONNECTOR_WIDTH // 2 - 1
        margin = max(0, min(column, options.max_width - MIN_WORDS_WIDTH))
        return Group(grid, _words(self.broken, margin, options.max_width))

    def _across(self, index: int, options: ConsoleOptions) -> Text:
        if self.broken is not None and self.broken.after == index:
            return Text("--X--" if options.ascii_only else "╌╌╳╌╌", style="bold red")
        is_beyond = self.broken is not None and index > self.broken.after
        return Text("---->" if options.ascii_only else "────▶", style="dim" if is_beyond else "green")


def _width_beside(count: int, available: int) -> int | None:
    """Return the width of cards side by side, or None when there is no room for them."""
    if available < MIN_WIDTH_BESIDE:
        return None
    width = (available - (count - 1) * CONNECTOR_WIDTH) // count
    return min(width, MAX_CARD_BESIDE) if width >= MIN_CARD_BESIDE else None


def _panel(card: Card, width: int, height: int | None = None) -> Panel:
    is_beyond = card.state is CardState.BEYOND
    facts = [fact.copy() for fact in card.facts]
    for fact in facts:
        if is_beyond:
            fact.stylize("dim")
        if height is not None:  # every fact on one line, so that all cards are as high
            fact.truncate(width - 4, overflow="ellipsis")
    mark = "✗ " if card.state is CardState.FAILING else ""
    title = Text(f"{mark}{card.title}", style="" if is_beyond else "bold")
    title.truncate(width - 6, overflow="ellipsis")
    box = DASHED if card.state is CardState.MISSING else ROUNDED
    return Panel(
        Group(*facts),
        title=title,
        title_align="left",
        box=box,
        border_style=card.state.value,
        width=width,
        height=height,
    )


def _down(options: ConsoleOptions, sign: str, ascii_sign: str, style: str = "bold red") -> Text:
    return Text(" " * LINK_COLUMN + (ascii_sign if options.ascii_only else sign), style=style)


def _words(broken: BrokenLink, margin: int, available: int) -> Constrain:
    remedy = Text.assemble(("→ ", "bold"), broken.remedy)
    words = Group(Text(broken.sentence, style="red"), remedy)
    return Constrain(Padding(words, (0, 0, 0, margin)), min(available, margin + MAX_WORDS_WIDTH))
