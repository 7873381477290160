"""Messages reach their way, signed and sealed; inner machines are never called, however they are named."""

import base64
import hashlib
import hmac
import socket
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from msgspec import structs

from tests.edges.outside.neighbours import MailServer, Receiver, living
from verger.base.clock import HeldClock
from verger.base.errors import Refused
from verger.base.outgoing import Outgoing
from verger.base.secrets import ServerSecret
from verger.domain.notifications import ways
from verger.domain.notifications.ways import Gone, Mail, Message, Ntfy, Push, Telegram
from verger.edges.outside.courier import Courier, fitting
from verger.edges.outside.http import Http
from verger.edges.outside.mail import Mailer
from verger.edges.outside.webpush import LONGEST, introduced, public, raw, sealed, server_key, text

HELLO = Message(id="m1", severity="critical", title="Critical: Frost", body="-2 °C", url="https://v.test/n", items=())
KEY = server_key(ServerSecret(b"s" * 32))


def courier(clock: HeldClock, *networks: str, smtp: str = "", telegram: str = "") -> Courier:
    outgoing = Outgoing(networks)
    mail = Mailer(smtp, "Verger <verger@example.test>", outgoing, clock)
    return Courier(Http(outgoing), mail, clock, KEY, "mailto:verger@example.test", telegram)


def local(clock: HeldClock, **more: str) -> Courier:
    return courier(clock, "127.0.0.1", **more)


async def test_a_webhook_is_signed_with_its_time(clock: HeldClock) -> None:
    async with living(Receiver()) as receiver:
        way = ways.webhook(f"{receiver.url}/hook?a=1")
        await local(clock).carry(way, HELLO)
    [(path, headers, body)] = receiver.heard
    said = f"m1.{headers['webhook-timestamp']}.".encode() + body
    code = hmac.new(base64.b64decode(way.secret.removeprefix("whsec_")), said, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(code).decode()}"
    assert (path, headers["webhook-id"], int(headers["webhook-timestamp"])) == ("/hook?a=1", "m1", clock.now() // 10**6)
    assert msgspec.json.decode(body)["title"] == "Critical: Frost"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "10.0.0.8", "169.254.169.254", "[fd00::1]", "[::ffff:10.0.0.8]", "100.64.0.1", "224.0.0.1"],
)
async def test_what_is_not_public_is_not_called(clock: HeldClock, host: str) -> None:
    with pytest.raises(Refused, match="not public"):
        await courier(clock).carry(ways.webhook(f"http://{host}:9/"), HELLO)
    mailing = courier(clock, smtp=f"smtp://{host}")
    with pytest.raises(Refused, match="not public"):
        await mailing.carry(Mail("aino@example.test"), HELLO)


async def test_a_redirect_is_checked_like_the_first_address(clock: HeldClock) -> None:
    async with living(Receiver(["307 Moved\r\nLocation: http://127.0.0.2:9/"])) as receiver:
        with pytest.raises(Refused, match=r"127\.0\.0\.2, which is not public"):
            await local(clock).carry(ways.webhook(receiver.url), HELLO)
    async with living(Receiver(["308 Moved\r\nLocation: /there", "200 OK"])) as receiver:
        await local(clock).carry(ways.webhook(receiver.url), HELLO)
    assert [path for path, _, _ in receiver.heard] == ["/", "/there"]
    assert receiver.heard[0][2] == receiver.heard[1][2]


async def test_a_redirect_to_another_machine_is_not_told_the_password() -> None:
    said = {"Authorization": "Bearer secret", "X-Kind": "plain"}
    async with living(Receiver()) as other:
        answers = ["307 Moved\r\nLocation: /there", f"307 Moved\r\nLocation: {other.url}/elsewhere"]
        async with living(Receiver(answers)) as receiver:
            await Http(Outgoing(["127.0.0.1"])).post(receiver.url, said, b"{}")
    heard = [*receiver.heard, *other.heard]
    assert [(path, headers.get("authorization"), headers["x-kind"]) for path, headers, _ in heard] == [
        ("/", "Bearer secret", "plain"),
        ("/there", "Bearer secret", "plain"),
        ("/elsewhere", None, "plain"),
    ]


async def test_a_name_that_changes_its_meaning_is_called_where_it_was_checked(
    clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with living(Receiver()) as receiver:
        answers = iter(["127.0.0.1", "10.0.0.8"])

        def look_up(_host: str, port: int, **_more: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

        with monkeypatch.context() as names:
            names.setattr(socket, "getaddrinfo", look_up)
            mine = local(clock)
            numbers = await mine.http._network._outgoing.addresses("changing.test", receiver.port)  # noqa: SLF001
            assert numbers == ["127.0.0.1"]
            with pytest.raises(Refused, match=r"changing.test is at 10\.0\.0\.8"):
                await mine.carry(ways.webhook(f"http://changing.test:{receiver.port}/"), HELLO)
    assert receiver.heard == []


@pytest.mark.parametrize(
    ("answer", "kind", "why"),
    [
        ("500 Oops", Refused, "answered 500"),
        ("410 Gone", Gone, "410"),
        ("302 Found\r\nLocation: /x", Refused, "pointed"),
    ],
)
async def test_what_was_not_taken_is_told(clock: HeldClock, answer: str, kind: type[Refused], why: str) -> None:
    async with living(Receiver([answer])) as receiver:
        with pytest.raises(kind, match=why):
            await local(clock).carry(ways.webhook(receiver.url), HELLO)
    with pytest.raises(Refused, match="not reached"):
        await local(clock).carry(ways.webhook(receiver.url), HELLO)


async def test_a_letter_is_taken_or_refused_by_name(clock: HeldClock) -> None:
    async with living(MailServer()) as server:
        mine = local(clock, smtp=f"smtp://127.0.0.1:{server.port}")
        await mine.carry(Mail("aino@example.test"), HELLO)
        with pytest.raises(Refused, match=r"does not take nobody@example.test \(550 no such mailbox\)"):
            await mine.carry(Mail("nobody@example.test"), HELLO)
    [letter] = server.letters
    assert "Subject: Critical: Frost\r\n" in letter
    assert "Message-ID: <m1@example.test>\r\n" in letter
    assert "https://v.test/n" in letter
    with pytest.raises(Refused, match="VERGER_SMTP_URL"):
        await local(clock).carry(Mail("aino@example.test"), HELLO)


async def test_messengers_are_told_in_their_words(clock: HeldClock) -> None:
    async with living(Receiver()) as receiver:
        await local(clock).carry(Ntfy(receiver.url, "lake", "tk_secret"), HELLO)
        await local(clock, telegram=receiver.url).carry(Telegram("12:ab", "-5"), HELLO)
    (path, headers, ntfy), (bot, _, telegram) = receiver.heard
    assert (path, headers["authorization"], bot) == ("/", "Bearer tk_secret", "/bot12:ab/sendMessage")
    assert msgspec.json.decode(ntfy) == {
        "topic": "lake",
        "title": "Critical: Frost",
        "priority": 5,
        "message": "-2 °C",
        "click": "https://v.test/n",
    }
    assert msgspec.json.decode(telegram) == {"chat_id": "-5", "text": "Critical: Frost\n\n-2 °C\n\nhttps://v.test/n"}


def private(packed: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(raw(packed)), ec.SECP256R1())


def test_a_push_is_sealed_as_the_example_of_rfc_8291() -> None:
    theirs = public(private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
    once = private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    body = sealed(
        b"When I grow up, I want to be a watermelon",
        text(theirs),
        "BTBZMqHH6r4Tts7J_aSIgg",
        once,
        raw("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert text(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
        "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("letter", ["🌱", "\x07", "ä", "x"])
def test_a_push_of_a_long_text_is_whole_json_that_fits(letter: str) -> None:
    message = structs.replace(HELLO, title=letter * 200, body=letter * 4000)
    plain = fitting(message)
    told = msgspec.json.decode(plain)
    assert len(plain) <= LONGEST
    assert told["title"] == message.title
    assert told["body"].startswith(letter * 250)
    assert told["url"] == HELLO.url


async def test_a_push_service_knows_who_sends(clock: HeldClock) -> None:
    async with living(Receiver(["201 Created"])) as receiver:
        browser = ec.generate_private_key(ec.SECP256R1())
        way = Push(f"{receiver.url}/push/1", text(public(browser)), text(b"a" * 16))
        await local(clock).carry(way, HELLO)
    [(path, headers, _)] = receiver.heard
    assert (path, headers["content-encoding"], headers["urgency"]) == ("/push/1", "aes128gcm", "high")
    proof = introduced("https://push.test/1", KEY, "mailto:a@b.test", 1000)
    token, key = proof.removeprefix("vapid t=").split(", k=")
    head, claims, signature = token.split(".")
    assert msgspec.json.decode(raw(claims))["aud"] == "https://push.test"
    r, s = (int.from_bytes(part) for part in (raw(signature)[:32], raw(signature)[32:]))
    known = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(key))
    known.verify(encode_dss_signature(r, s), f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
