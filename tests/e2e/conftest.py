"""Servers and homes for the tests that look from outside."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.disks import mounted
from tests.e2e.home import Home
from tests.e2e.person import Person, chromium, signed_in
from tests.e2e.serving import Server

Serve = Callable[..., Server]
Settle = Callable[[Server], Home]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return a maker of servers: `serve()` starts one on a fresh folder, `serve(folder, log_level="debug")`."""
    servers: list[Server] = []

    def make(folder: Path | None = None, surroundings: dict[str, str] | None = None, **settings: Any) -> Server:
        servers.append(Server(folder or tmp_path / f"data{len(servers)}", settings, surroundings or {}))
        return servers[-1].start()

    yield make
    for server in servers:
        server.end()


@pytest.fixture
def settle() -> Iterator[Settle]:
    """Return a maker of homes: `settle(server)` sets a fresh server up."""
    homes: list[Home] = []

    def make(server: Server) -> Home:
        homes.append(Home(server))
        return homes[-1].set_up()

    yield make
    for home in homes:
        home.close()


@pytest.fixture
def home(serve: Serve, settle: Settle) -> Home:
    """Return a home on a server of its own."""
    return settle(serve())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Return a home that the tests of one file share; each makes its own devices there."""
    server = Server(tmp_path_factory.mktemp("shared") / "data").start()
    made = Home(server).set_up()
    yield made
    made.close()
    server.end()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a disk of a few mebibytes, where one may be mounted."""
    with mounted(tmp_path / "small", 12) as folder:
        yield folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return the browser that is installed on this machine."""
    with chromium() as found:
        yield found


@pytest.fixture
def owner(browser: Browser, home: Home) -> Iterator[Person]:
    """Return the owner of the home, signed in on its pages."""
    with signed_in(browser, home) as person:
        yield person
