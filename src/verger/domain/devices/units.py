"""Units as people write them: UCUM codes are for programs."""

import re

_SHOWN = {
    "1": "",
    "Cel": "°C",
    "[degF]": "°F",
    "deg": "°",
    "Ohm": "Ω",
    "m[H2O]": "mH₂O",
    "W.h": "Wh",
    "kW.h": "kWh",
    "V.A": "VA",
    "a": "y",
    "m2": "m²",
    "m3": "m³",
    "m3/h": "m³/h",
    "ug/m3": "µg/m³",
    "mg/m3": "mg/m³",
    "g/m3": "g/m³",
    "uS/cm": "µS/cm",
    "umol/m2/s": "µmol/m²/s",
    "dB[mW]": "dBm",
    "dB[SPL]": "dB",
    "By": "B",
    "kBy": "kB",
    "KiBy": "KiB",
    "MBy": "MB",
    "MiBy": "MiB",
}
_BRACES, _BRACKETS = re.compile(r"\{(\w*)\}"), re.compile(r"^\[(.+)\]$")


def unit_shown(code: str) -> str:
    """Return a UCUM code as it is shown, empty for none."""
    if code in _SHOWN:
        return _SHOWN[code]
    return _BRACKETS.sub(r"\1", _BRACES.sub(r"\1", code)).replace(".", "·")
