"""A home that was set up: its owner as a program, and what a test asks of the API again and again."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.e2e.serving import Server
from tests.e2e.waiting import PATIENCE_S
from tests.people import PASSWORD
from verger.base.ids import new_id

EMAIL = "aino@example.test"


@dataclass(frozen=True)
class Thing:
    """A device as its owner got it."""

    id: str
    token: str


@dataclass
class Home:
    """A server whose owner account exists, and one place."""

    server: Server
    token: str = ""
    place: str = ""
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def api(self) -> httpx.Client:
        """The owner's client; another after each start, for the port is another."""
        base = f"{self.server.address}/api/v1/"
        if not self._clients or str(self._clients[-1].base_url) != base:
            self._clients.append(
                httpx.Client(base_url=base, timeout=PATIENCE_S, headers={"Authorization": f"Bearer {self.token}"})
            )
        return self._clients[-1]

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.close()

    def set_up(self) -> "Home":
        """Make the owner account and a place."""
        owner = {"tenant": "Aalto", "name": "Aino", "email": EMAIL, "password": PASSWORD, "timezone": "Europe/Helsinki"}
        self.token = said(httpx.post(f"{self.server.address}/api/v1/setup", json=owner, timeout=PATIENCE_S))["token"]
        self.place = self.add_place("Lake cottage")
        return self

    def sign_in(self) -> None:
        """Sign the owner in anew."""
        who = {"email": EMAIL, "password": PASSWORD}
        self.token = said(httpx.post(f"{self.server.address}/api/v1/auth/login", json=who, timeout=PATIENCE_S))["token"]

    def join(self, role: str) -> str:
        """Let somebody else be a member, with the owner's password; return the e-mail address."""
        who, email = new_id(), f"{role}@example.test"
        with closing(sqlite3.connect(self.server.folder / "verger.db", timeout=PATIENCE_S)) as database, database:
            columns = "id, name, email, known_as, password, created_at, version"
            fields = (who, role.title(), email, email, EMAIL)
            one = f"INSERT INTO user ({columns}) SELECT ?, ?, ?, ?, password, created_at, 1 FROM user WHERE email = ?"  # noqa: S608
            database.execute(one, fields)
            tie = "INSERT INTO membership (tenant, user, role, joined_at, version) SELECT tenant, ?, ?, joined_at, 1 "
            database.execute(f"{tie} FROM membership WHERE role = 'owner' LIMIT 1", (who, role))
        return email

    def add_place(self, name: str, parent: str | None = None) -> str:
        """Add a place; return its id."""
        wanted = {"name": name, "kind": "cottage", "timezone": "Europe/Helsinki", "parent": parent}
        return str(said(self.api.post("places", json=wanted))["id"])

    def add_device(self, name: str = "Hall sensor", place: str | None = None) -> Thing:
        """Connect a device."""
        made = said(self.api.post("devices", json={"name": name, "place": place or self.place}))
        return Thing(made["device"]["id"], made["credentials"]["access_token"])

    def tell(self, thing: Thing, told: Any, word: str = "telemetry") -> httpx.Response:
        """Let a device speak over HTTP."""
        body = {"content": told} if isinstance(told, bytes) else {"json": told}
        return httpx.post(f"{self.server.address}/api/v1/{thing.token}/{word}", timeout=PATIENCE_S, **body)

    def get(self, path: str, **query: Any) -> Any:
        """Return what the API answers."""
        return said(self.api.get(path, params=query))

    def latest(self, thing: Thing) -> dict[str, Any]:
        """Return the latest value of each metric."""
        return dict(self.get(f"devices/{thing.id}/latest"))

    def log_page(self, thing: Thing) -> list[tuple[str, str]]:
        """Return what was remarked of a device: kind and sentence."""
        return [(each["kind"], each["message"]) for each in self.get(f"devices/{thing.id}/log")["items"]]

    def readings(self, thing: Thing, start: datetime) -> list[tuple[str, datetime, float]]:
        """Return every raw reading since then, page after page."""
        query = {"from": start.isoformat(), "to": (start + timedelta(days=2)).isoformat(), "limit": 10_000}
        found: list[tuple[str, datetime, float]] = []
        while True:
            page = self.get(f"devices/{thing.id}/readings", **query)
            found += [(one["metric"], datetime.fromisoformat(one["at"]), one["value"]) for one in page["items"]]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]


def said(answer: httpx.Response) -> Any:
    """Return the body of an answer that went well."""
    assert answer.is_success, f"{answer.status_code} {answer.text}"
    return answer.json()
