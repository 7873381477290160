"""The web UI as files."""

import gzip
from pathlib import Path

import httpx
import pytest

from tests.edges.api.conftest import visitor
from verger.edges.api.static import Site

SCRIPT = b"console.log('verger');" * 200


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(b"<!doctype html><title>Verger</title>")
    (tmp_path / "assets" / "index-B2c4.js").write_bytes(SCRIPT)
    (tmp_path / "manifest.webmanifest").write_bytes(b"{}")
    (tmp_path.parent / "secret.key").write_bytes(b"secret")
    return tmp_path


@pytest.fixture
def browser(folder: Path) -> httpx.AsyncClient:
    return visitor(Site(folder))


@pytest.mark.parametrize("path", ["/", "/places", "/devices/0190-abc", "/setup?code=sesame", "/nice/"])
async def test_every_link_into_the_ui_is_its_page(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Verger</title>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


async def test_what_has_a_hash_in_its_name_is_kept_for_ever(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/assets/index-B2c4.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_files_are_packed_for_whoever_takes_that(browser: httpx.AsyncClient, folder: Path) -> None:
    packed = await browser.get("/assets/index-B2c4.js", headers={"Accept-Encoding": "br, gzip"})
    plain = await browser.get("/assets/index-B2c4.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT)
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == SCRIPT
    assert packed.headers["vary"] == "accept-encoding"
    (folder / "assets" / "index-B2c4.js").unlink()
    assert (await browser.get("/assets/index-B2c4.js")).content == SCRIPT


@pytest.mark.parametrize(
    "path", ["/assets/gone-123.js", "/assets/", "/favicon.ico", "/../secret.key", "/%2e%2e/secret.key"]
)
async def test_what_is_not_there_is_not_there(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert answer.content != b"secret"


async def test_what_the_browser_has_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    first = await browser.get("/")
    again = await browser.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_only_reading_is_offered(browser: httpx.AsyncClient) -> None:
    head = await browser.head("/")
    assert (head.status_code, head.content, int(head.headers["content-length"]) > 0) == (200, b"", True)
    assert (await browser.post("/places")).status_code == 405


async def test_pages_load_nothing_from_elsewhere_and_run_no_script_of_their_own(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/assets/gone.js"):
        headers = (await browser.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


async def test_without_a_built_ui_a_page_says_how_to_build_it(tmp_path: Path) -> None:
    answer = await visitor(Site(tmp_path)).get("/")
    assert answer.status_code == 200
    assert "python3 dev.py run" in answer.text


async def test_a_file_packed_beforehand_is_the_same(browser: httpx.AsyncClient) -> None:
    packed = await browser.get("/assets/index-B2c4.js", headers={"Accept-Encoding": "gzip"})
    assert int(packed.headers["content-length"]) == len(gzip.compress(SCRIPT, 9, mtime=0))
