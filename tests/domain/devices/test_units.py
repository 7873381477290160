"""Units as people write them."""

import pytest

from verger.domain.devices.units import unit_shown


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("Cel", "°C"),
        ("%", "%"),
        ("1", ""),
        ("", ""),
        ("[ppm]", "ppm"),
        ("kW.h", "kWh"),
        ("A.h", "A·h"),
        ("{drops}/min", "drops/min"),
    ],
)
def test_a_code_is_shown_as_people_write_it(code: str, shown: str) -> None:
    assert unit_shown(code) == shown
