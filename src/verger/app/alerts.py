"""Alerts and tasks: who hears of what changes."""

from verger.app.stores import Stores
from verger.flows.ports import Screens
from verger.flows.spreading import Spreading


def spread_news(stores: Stores, screens: Screens) -> None:
    """Let screens and programs hear of every alert and task that changes."""
    spreading = Spreading(screens)
    stores.alerts.listeners.append(spreading.alert)
    stores.tasks.listeners.append(spreading.task)
