"""The demo: one place of each family that looks lived in, with a month behind it and devices that go on speaking."""

from verger.app.demo.story import demonstrate
from verger.app.demo.town import Ports

__all__ = ["Ports", "demonstrate"]
