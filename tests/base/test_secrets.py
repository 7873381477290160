"""Secrets: tokens, sealing, masking, and the server's own file."""

from pathlib import Path

import pytest

from verger.base.errors import Refused
from verger.base.secrets import ServerSecret, Unsealable, digest, masked, new_token, same


def test_a_token_tells_its_kind_and_is_never_made_twice() -> None:
    first, second = new_token("vs"), new_token("vs")
    assert first.startswith("vs_")
    assert len(first) == 3 + 43
    assert first != second


def test_what_is_kept_of_a_token_is_not_the_token() -> None:
    token = new_token("vk")
    assert digest(token) == digest(token)
    assert token[3:] not in digest(token)


def test_equal_texts_are_the_same() -> None:
    assert same("söpö", "söpö")
    assert not same("a", "b")


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    sealed = ServerSecret.open(tmp_path).seal(b"shown once", "answer 1")
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert ServerSecret.open(tmp_path).unseal(sealed, "answer 1") == b"shown once"


def test_a_damaged_secret_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(Refused, match="backup"):
        ServerSecret.open(tmp_path)


def test_what_is_sealed_opens_only_in_its_own_place(tmp_path: Path) -> None:
    secret = ServerSecret.open(tmp_path)
    sealed = secret.seal(b"shown once", "answer 1")
    assert b"shown once" not in sealed
    with pytest.raises(Unsealable):
        secret.unseal(sealed, "answer 2")
    with pytest.raises(Unsealable):
        secret.unseal(sealed[:5], "answer 1")


def test_marks_differ_by_server_and_by_where_parts_end() -> None:
    one, other = ServerSecret(b"1" * 32), ServerSecret(b"2" * 32)
    assert one.mark(b"ab", b"c") == one.mark(b"ab", b"c")
    assert one.mark(b"ab", b"c") != one.mark(b"a", b"bc")
    assert one.mark(b"ab") != other.mark(b"ab")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sign in with vs_abcdefghijk now", "sign in with vs_… now"),
        ('{"token": "vk_abc-def_ghi"}', '{"token": "vk_…"}'),
        ("GET /t/ve_abcdefgh/compat/plant", "GET /t/…/compat/plant"),
        ("GET /t/plainkey/compat/plant", "GET /t/…/compat/plant"),
        ("POST /api/v1/A1_TEST_TOKEN/telemetry", "POST /api/v1/…/telemetry"),
        ("GET /api/v1/places/018f", "GET /api/v1/places/018f"),
        ("http://127.0.0.1:8000/setup#code=sesame", "http://127.0.0.1:8000/setup#code=…"),
        ("authorization: Bearer whatever", "authorization: Bearer …"),
    ],
)
def test_tokens_are_masked_wherever_they_stand(text: str, shown: str) -> None:
    assert masked(text) == shown
