"""The growth of the data folder, told from sizes that go up and down."""

import pytest

from verger.base.clock import DAY, HOUR
from verger.base.db import Database
from verger.domain.storage.model import LOOKS_BACK, Sample, growth
from verger.domain.storage.store import SampleStore

NOW = 1_800_000_000_000_000 // HOUR * HOUR
MB = 1_000_000


def hourly(hours: int, rate: float, wave: float = 0, every: int = 7) -> list[Sample]:
    """Return sizes that grow by `rate` bytes a day, on which a saw-tooth of some height and hours rides."""
    samples = []
    for back in range(hours, -1, -1):
        passed = hours - back
        samples.append(
            Sample(NOW - back * HOUR, round(1000 * MB + rate * passed / 24 + wave * (passed % every) / every))
        )
    return samples


def test_nothing_is_foretold_of_a_folder_known_for_less_than_six_hours() -> None:
    assert growth([], NOW) is None
    assert growth(hourly(5, 10 * MB), NOW) is None


@pytest.mark.parametrize("hours", [6, 24, 71, 72, 167])
def test_even_growth_is_told_as_it_is(hours: int) -> None:
    assert growth(hourly(hours, 10 * MB), NOW) == pytest.approx(10 * MB, rel=0.01)


@pytest.mark.parametrize(("hours", "every"), [(48, 5), (71, 7), (120, 11), (167, 24)])
def test_saw_teeth_higher_than_a_day_of_growth_move_it_little(hours: int, every: int) -> None:
    assert growth(hourly(hours, 10 * MB, 64 * MB, every), NOW) == pytest.approx(10 * MB, rel=0.35)


def test_a_folder_from_which_as_much_goes_each_day_as_comes_does_not_grow() -> None:
    daily = [Sample(NOW - back * HOUR, 1000 * MB + ((167 - back) % 24) * MB) for back in range(167, -1, -1)]
    assert abs(growth(daily, NOW) or 0) < 0.1 * MB


def test_one_jump_of_a_large_file_is_no_trend() -> None:
    jumped = [Sample(one.at, one.size + 500 * MB * (one.at > NOW - 30 * HOUR)) for one in hourly(167, 10 * MB)]
    assert (growth(jumped, NOW) or 0) < 120 * MB


async def test_the_store_keeps_one_size_an_hour_for_a_week(db: Database) -> None:
    store = SampleStore(db)
    for sample in (Sample(NOW - LOOKS_BACK, 1), Sample(NOW - DAY, 2), Sample(NOW, 3), Sample(NOW, 4)):
        await store.keep(sample)
    assert await store.all() == [Sample(NOW - DAY, 2), Sample(NOW, 4)]
