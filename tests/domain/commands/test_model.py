"""A command's life: every stage is proved, and what is proved stands."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from verger.base.clock import HOUR, SECOND, moment
from verger.base.errors import Conflict, Invalid
from verger.domain.commands.model import (
    Command,
    Stage,
    acknowledged,
    answered,
    begun,
    cancelled,
    due,
    expired,
    replaces,
    sent,
    shown,
)

NOW = 500_000 * HOUR


def command(ttl_s: int = 60, **more: Any) -> Command:
    until = moment(NOW) + timedelta(seconds=ttl_s)
    fresh = Command(id="1", device="pump", method="pulse", asked_by="user:ann", asked_at=moment(NOW), expires_at=until)
    return begun(structs.replace(fresh, **more), 7)


def test_it_goes_on_by_what_the_device_proves() -> None:
    after = answered(acknowledged(sent(command(), NOW + 1, "mqtt"), NOW + 2, "puback"), {"done": 1}, NOW + 3)
    assert (after.stage, after.result, after.error) == (Stage.succeeded, {"done": 1}, None)
    assert (after.sent_at, after.acknowledged_at, after.answered_at) == tuple(moment(NOW + n) for n in (1, 2, 3))
    assert [(step.stage, step.proof) for step in after.steps] == [
        ("queued", "asked by user:ann"),
        ("sent", "mqtt"),
        ("acknowledged", "puback"),
        ("succeeded", "answer"),
    ]


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"error": "jammed"}, "jammed"),
        ({"error": {"code": 3}}, "The device says: {'code': 3}"),
        ({"success": False}, "The device says that it did not succeed."),
        ({"error": None, "success": True}, None),
        (None, None),
        ("error", None),
    ],
)
def test_an_answer_with_an_error_is_a_failure(result: Any, error: str | None) -> None:
    after = answered(sent(command(), NOW, "mqtt"), result, NOW)
    assert (after.stage, after.error) == (Stage.failed if error else Stage.succeeded, error)


def test_it_is_sent_again_after_10_20_and_40_seconds_until_its_time_is_over() -> None:
    flying, at = sent(command(100), NOW, "mqtt"), NOW
    times = []
    while at < NOW + 100 * SECOND:
        at = due(flying, at) or 0
        times.append((at - NOW) // SECOND)
    assert times == [10, 20, 40, 80, 100]
    assert due(command(), NOW) == NOW + 60 * SECOND
    assert due(acknowledged(flying, NOW, "puback"), NOW + SECOND) == NOW + 100 * SECOND
    assert due(answered(flying, 1, NOW), NOW) is None


def test_when_its_time_is_over_it_says_why() -> None:
    flying = sent(command(), NOW, "mqtt")
    assert expired(command(), NOW).error == "The device was not there to be told within 60 s."
    assert "did not confirm" in (expired(flying, NOW).error or "")
    assert "did not answer" in (expired(acknowledged(flying, NOW, "puback"), NOW).error or "")
    one_way = acknowledged(sent(command(one_way=True), NOW, "mqtt"), NOW, "puback")
    assert expired(one_way, NOW) == one_way
    assert due(one_way, NOW + 60 * SECOND) is None


def test_what_the_device_says_late_is_true_all_the_same() -> None:
    over = expired(sent(command(), NOW, "mqtt"), NOW + 60 * SECOND)
    late = answered(over, {"done": 1}, NOW + 61 * SECOND)
    assert (late.stage, late.error, late.steps[-1].proof) == (Stage.succeeded, None, "late answer")
    assert answered(late, {"error": "no"}, NOW + 62 * SECOND) == late


def test_that_the_device_has_what_was_given_up_is_told_without_another_end() -> None:
    flying = sent(command(), NOW, "mqtt")
    for over in (expired(flying, NOW + 60 * SECOND), cancelled(flying, NOW, "user:ann", "Not needed.")):
        assert not over.noted
        late = acknowledged(over, NOW + 60 * SECOND, "puback")
        assert (late.stage, late.steps, late.noted) == (over.stage, over.steps, True)
        assert late.acknowledged_at is not None
        assert late.error == f"{over.error} The device confirmed later that it has it all the same."
        assert acknowledged(late, NOW + 61 * SECOND, "puback") == late
        assert answered(late, "ok", NOW + 62 * SECOND).stage is Stage.succeeded
    never_sent = expired(command(), NOW + 60 * SECOND)
    assert acknowledged(never_sent, NOW + 61 * SECOND, "puback") == never_sent


def test_what_was_asked_together_stands_beside_each_other() -> None:
    one, other = command(params={"channel": 1}, batch="b"), command(params={"channel": 2}, batch="b")
    assert not replaces(other, one)
    assert replaces(structs.replace(other, batch="c"), one)
    assert replaces(structs.replace(other, batch=None), structs.replace(one, batch=None))


def test_only_what_the_device_has_not_can_be_cancelled() -> None:
    assert cancelled(sent(command(), NOW, "mqtt"), NOW, "user:ann", "Not needed.").stage is Stage.cancelled
    with pytest.raises(Conflict, match="has this command already"):
        cancelled(acknowledged(command(), NOW, "poll"), NOW, "user:ann", "Not needed.")
    with pytest.raises(Conflict, match="ended already"):
        cancelled(expired(command(), NOW), NOW, "user:ann", "Not needed.")


def test_a_report_after_it_was_sent_proves_it() -> None:
    flying = sent(command(shows={"valve": "open", "relay": True}), NOW, "mqtt")
    assert shown(flying, {"valve": "open", "relay": 1.0, "more": 1}, NOW - 1) == flying
    assert shown(flying, {"valve": "open"}, NOW + 1) == flying
    assert shown(flying, {"valve": "open", "relay": 1.0}, NOW + 1).stage is Stage.succeeded
    assert shown(command(shows={"valve": "open"}), {"valve": "open"}, NOW + 1).stage is Stage.queued


_STEPS = st.sampled_from(["send", "ack", "answer", "fail", "expire", "show"])


@settings(max_examples=200, deadline=None)
@given(st.lists(_STEPS, max_size=8), st.booleans())
def test_whatever_happens_it_never_goes_back_and_every_stage_has_its_step(steps: list[str], one_way: bool) -> None:  # noqa: FBT001
    acts: dict[str, Any] = {
        "send": lambda one, at: sent(one, at, "mqtt"),
        "ack": lambda one, at: acknowledged(one, at, "puback"),
        "answer": lambda one, at: answered(one, 1, at),
        "fail": lambda one, at: answered(one, {"error": "no"}, at),
        "expire": expired,
        "show": lambda one, at: shown(one, {"on": 1}, at),
    }
    order = {stage: place for place, stage in enumerate(("queued", "sent", "acknowledged"))}
    now, at = command(one_way=one_way, shows={"on": 1}), NOW
    for step in steps:
        at += SECOND
        after = acts[step](now, at)
        assert order.get(after.stage, 3) >= order.get(now.stage, 3)
        assert after.steps[-1].stage is after.stage
        assert len(after.steps) - len(now.steps) in (0, 1)
        assert now.stage not in (Stage.succeeded, Stage.failed) or after == now
        if after.stage in (Stage.acknowledged, Stage.succeeded, Stage.failed):
            assert after.sent_at is not None
            assert after.acknowledged_at is not None
        now = after


@pytest.mark.parametrize("more", [{"method": " "}, {"method": "x" * 201}, {"expires_at": moment(NOW)}])
def test_a_command_that_cannot_be_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Command(**structs.asdict(command()) | more)


@pytest.mark.parametrize(
    ("fresh", "older", "taken"),
    [
        (
            {"method": "relay_off", "shows": {"relay_a": False}},
            {"method": "relay_on", "shows": {"relay_a": True}},
            True,
        ),
        (
            {"method": "relay_off", "shows": {"relay_b": False}},
            {"method": "relay_off", "shows": {"relay_a": False}},
            False,
        ),
        ({"method": "pulse"}, {"method": "pulse", "params": {"pin": 2}}, True),
        ({"method": "pulse"}, {"method": "stop"}, False),
        ({"method": "set", "shows": {"on": True}}, {"method": "set"}, True),
    ],
)
def test_a_command_replaces_an_older_one_that_would_show_the_same(
    fresh: dict[str, Any], older: dict[str, Any], *, taken: bool
) -> None:
    assert replaces(command(**fresh), command(**older)) is taken
