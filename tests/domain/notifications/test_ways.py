"""How ways are written, and what of them is shown."""

import pytest

from verger.base.errors import Invalid
from verger.domain.notifications.ways import Ntfy, Telegram, Way, by_url, kind_of, push, shown, webhook

KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("ntfy://lake", Ntfy("https://ntfy.sh", "lake")),
        ("ntfys://push.example/lake", Ntfy("https://push.example", "lake")),
        ("ntfy://push.example:8080/lake/", Ntfy("http://push.example:8080", "lake")),
        ("ntfys://aino:p%40ss@push.example/lake", Ntfy("https://push.example", "lake", "aino", "p@ss")),
        ("ntfys://tk_1@push.example/lake", Ntfy("https://push.example", "lake", "tk_1")),
        ("tgram://123:aB-c_d/-10042", Telegram("123:aB-c_d", "-10042")),
        ("tgram://bot123:ab/@lake", Telegram("123:ab", "@lake")),
    ],
)
def test_they_are_written_as_apprise_writes_them(url: str, way: Way) -> None:
    assert by_url(url) == way


@pytest.mark.parametrize(
    "url",
    ["", "lake", "json://host/x", "file:///etc/passwd", "ntfy://", "ntfys://h/a/b", "tgram://x/1", "tgram://1:a/b/c"],
)
def test_other_schemes_are_not_taken(url: str) -> None:
    with pytest.raises(Invalid, match="Write"):
        by_url(url)


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "http://", "http://a:b@example.org", "http://exa mple.org", "http://[::1"],
)
def test_a_webhook_has_a_whole_address_without_a_password(url: str) -> None:
    with pytest.raises(Invalid):
        webhook(url)


def test_a_browser_gives_its_keys() -> None:
    way = push("https://push.example/abc", KEY, "BTBZMqHH6r4Tts7J_aSIgg")
    assert (kind_of(way), shown(way)) == ("push", "https://push.example/…")
    for endpoint, key, auth in (
        ("http://p.example", KEY, way.auth),
        (way.endpoint, "x", way.auth),
        (way.endpoint, KEY, ""),
    ):
        with pytest.raises(Invalid):
            push(endpoint, key, auth)


def test_what_is_shown_opens_nothing() -> None:
    assert shown(webhook("https://example.org/secret?token=1")) == "https://example.org/…"
    assert shown(Telegram("123:ab", "-5")) == "chat -5"
    assert shown(Ntfy("https://ntfy.sh", "lake", "tk_1")) == "https://ntfy.sh/…"
