"""Where bars and lines are."""

import pytest

from certinel.ui.charts import HEIGHT, LEAST, WIDTH, Line, StackedBars, levels, round_number_from, thinned


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (5, 10), (11, 20), (99, 100), (101, 200), (4_001, 5_000)]
)
def test_scale_ends_at_a_round_number_that_can_be_halved(value: int, top: int) -> None:
    assert round_number_from(value) == top


def test_bars_are_as_high_as_their_values_and_stand_on_each_other() -> None:
    chart = StackedBars.of([(50, 25), (100, 0)])
    first, second = chart.bars
    assert (chart.top, first.lower, first.upper, second.lower) == (100, HEIGHT / 2, HEIGHT / 4, HEIGHT)
    assert (first.lower_y, first.upper_y) == (HEIGHT / 2, HEIGHT / 4)
    assert first.x + first.width < second.x < WIDTH


def test_little_beside_much_can_be_seen_and_nothing_cannot() -> None:
    (bar,) = StackedBars.of([(100_000, 1)]).bars
    assert bar.upper == LEAST
    assert StackedBars.of([(0, 0)]).bars[0].lower == 0


def test_chart_of_nothing_has_no_bars() -> None:
    assert StackedBars.of([]).bars == ()


def test_line_goes_from_the_lowest_to_the_highest_value() -> None:
    assert Line.of([(0, 1), (5, 3), (10, 2)]).points == "0,190 500,10 1000,100"


@pytest.mark.parametrize(
    ("values", "points"), [([], ""), ([(7, 3)], "0,100 1000,100"), ([(0, 3), (1, 3)], "0,100 1000,100")]
)
def test_line_without_extent_is_level(values: list[tuple[float, float]], points: str) -> None:
    assert Line.of(values).points == points


def test_shades_go_from_nothing_to_the_largest() -> None:
    assert levels([0, 1, 50, 51, 100]) == [0, 1, 2, 3, 4]
    assert levels([]) == []


def test_thinning_keeps_the_extremes() -> None:
    values = [(float(at), 0.0) for at in range(1000)]
    values[333], values[777] = (333.0, 9.0), (777.0, -9.0)
    kept = thinned(values, 100)
    assert len(kept) <= 100
    assert {(333.0, 9.0), (777.0, -9.0)} <= set(kept)
    assert kept == sorted(kept)
