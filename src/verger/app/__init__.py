"""The program: every part built once, joined, started in order and stopped in the opposite one."""

from verger.app.doors import build_api
from verger.app.house import House, open_house
from verger.app.running import running
from verger.app.stores import Stores, open_stores

__all__ = ["House", "Stores", "build_api", "open_house", "open_stores", "running"]
