"""Whatever is wrong with a body, its refusal is a sentence for a person: by which field, and what to write instead."""

import copy
import re
from collections.abc import AsyncIterator, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from tests.edges.api.whole import Whole, opened

JUNK: tuple[Any, ...] = (None, True, -1, 1.5, 10**400, "bogus", "", " ", [], {}, ["bogus"], {"bogus": 1}, [[]])
UNFIT = re.compile(
    r"Expected|, got |`|\$\.|\[\.\.\.\]|\b(?:object|array|Literal|None|True|False|regex|enum|dict|Struct|UNSET)\b"
)
LEVEL = {"metric": "t", "is": "below", "value": 3, "clear": 4, "for_s": 60}
MANY: dict[str, Any] = {
    "name": "Frost",
    "place": "<place>",
    "when": {"all": [LEVEL, {"metric": "h", "is": "outside", "low": 1, "high": 9, "clear_by": 1}]},
    "only_if": {"any": [{"between": ["06:00", "21:00"]}, {"attribute": "mode", "equals": 1, "of": "place"}]},
    "then": [
        {"alert": {"severity": "warning", "message": "{value}", "clear_after_s": 60}},
        {"command": {"method": "on", "params": {"level": 1}, "ttl_s": 60}},
        {"task": {"title": "Look", "due_in_s": 60, "notes": "", "priority": "high"}},
        {"notify": {"to": "members", "message": "Cold"}},
        {"set": {"attribute": "mode", "value": 1}},
    ],
    "enabled": True,
    "rest_s": 60,
    "when_silent": "wait",
    "late_s": 600,
    "most_per_hour": 20,
    "limits": {"when.all[0].value": {"low": 1, "high": 4}},
    "not_for": ["<device>"],
}
ANY: dict[str, Any] = {
    "name": "Any",
    "place": "<place>",
    "when": {
        "any": [
            {"schedule": "0 6 * * *", "catch_up": "once"},
            {"sun": "sunset", "offset_s": 60},
            {"event": "door", "device": "<device>"},
            {"command": "on", "stage": "failed"},
            {"silent_for_s": 600},
            {"not": {"metric": "t", "is": "rises_by", "value": 1, "within_s": 60}},
        ]
    },
    "then": [{"webhook": {"url": "https://hook.example.org/x", "body": {"text": "x"}}}],
}
PATCHED = MANY | {
    "when": {"metric": None, "is": None, "value": None} | MANY["when"],
    "limits": {"when.value": None} | MANY["limits"],
}
CHAIN = {"steps": [{"to": "members", "after_s": 0}], "repeat_s": 600}
BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/rules", MANY),
    ("POST", "/rules", ANY),
    ("POST", "/rules/test", {"rule": ANY, "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}),
    ("POST", "/rules/{rule}/thresholds", {"thresholds": {"when.value": 4}}),
    ("PATCH", "/rules/{rule}", PATCHED),
    ("POST", "/devices/{device}/commands", {"method": "on", "params": {"level": 1}, "ttl_s": 60, "one_way": False}),
    ("POST", "/commands", {"method": "on", "devices": ["<device>"], "ttl_s": 60}),
    ("POST", "/alerts/{alert}/assign", {"assignee": None}),
    ("POST", "/alerts/{alert}/comments", {"text": "Seen."}),
    ("PATCH", "/alert-policy", {"critical": CHAIN, "clear_after_s": 600}),
    ("POST", "/tasks", {"title": "Sweep", "priority": "low", "due": "2030-01-01T00:00:00Z", "place": "<place>"}),
    ("PATCH", "/tasks/{task}", {"title": "Sweep", "state": "open", "assignee": None, "device": "<device>"}),
    (
        "PATCH",
        "/me/notifications/preferences",
        {
            "timezone": "Europe/Helsinki",
            "quiet": {"begin": "22:00", "end": "06:00", "but": ["critical"]},
            "digest": {"at": "07:00", "severities": ["info"]},
            "per_hour": 10,
        },
    ),
    (
        "POST",
        "/me/notifications/targets",
        {"kind": "ntfy", "name": "Lake", "url": "ntfy://lake", "severities": ["info"]},
    ),
    ("POST", "/me/notifications/read", {"notifications": ["x"]}),
]
CHOICES = {
    ("/rules", "when.all[0].is"): "below, above, equal, inside, outside, rises_by, falls_by",
    ("/rules", "then[0].alert.severity"): "info, warning, critical",
    ("/rules", "then[2].task.priority"): "low, normal, high, urgent",
    ("/rules", "then[3].notify.to"): "assignee, members, managers, owners, user",
    ("/rules", "when_silent"): "go_on, wait, reset",
    ("/rules", "when.any[0].catch_up"): "skip, once",
    ("/rules", "when.any[1].sun"): "sunrise, sunset",
    ("/rules", "when.any[3].stage"): "queued, sent, acknowledged, succeeded, failed, expired, cancelled",
    ("/rules/test", "rule.when.any[3].stage"): "queued, sent, acknowledged, succeeded, failed, expired, cancelled",
    ("/rules/test", "rule.when.any[5].not.is"): "below, above, equal, inside, outside, rises_by, falls_by",
    ("/alert-policy", "critical.steps[0].to"): "members, managers, owners",
    ("/tasks", "priority"): "low, normal, high, urgent",
    ("/tasks/{task}", "state"): "open, done",
    ("/me/notifications/preferences", "quiet.but[0]"): "info, warning, critical",
    ("/me/notifications/preferences", "digest.severities[0]"): "info, warning, critical",
    ("/me/notifications/targets", "kind"): "email, webhook, push, ntfy, telegram",
    ("/me/notifications/targets", "severities[0]"): "info, warning, critical",
}
Path_ = tuple[str | int, ...]


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        where = {"latitude": 60.17, "longitude": 24.94}
        assert (await found.ask("owner").patch(found.samples["/places/{place}"], json=where)).status_code == 200
        yield found


def paths(body: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Give the way to each part of a body."""
    if path:
        yield path
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for step, part in inner:
        yield from paths(part, (*path, step))


def spoilt(body: dict[str, Any]) -> Iterator[tuple[Path_, Any]]:
    """Give a body with each of its parts put wrong in turn, taken out, or with one beside it that there is not."""
    junk = cycle(JUNK)
    for path in paths(body):
        for wrong in islice(junk, 2):
            yield path, _with(body, path, wrong)
        if isinstance(path[-1], str):
            yield path, _with(body, path)
            yield path, _with(body, (*path[:-1], "bogus"), 1)


_OUT = object()


def _with(body: Any, path: Path_, value: Any = _OUT) -> Any:
    after = copy.deepcopy(body)
    *way, last = path
    part = after
    for step in way:
        part = part[step]
    if value is _OUT:
        del part[last]
    else:
        part[last] = value
    return after


def sampled(body: Any, whole: Whole) -> Any:
    """Return a body that names the place and the device that are there."""
    own = {kind.strip("/{}"): sample for kind, sample in whole.samples.items()}
    named = {kind.rpartition("{")[2]: sample.rpartition("/")[2] for kind, sample in own.items()}
    if isinstance(body, dict):
        return {key: sampled(part, whole) for key, part in body.items()}
    if isinstance(body, list):
        return [sampled(part, whole) for part in body]
    return named[body.strip("<>")] if body in ("<place>", "<device>") else body


def objections(answer: httpx.Response, allowed: set[str]) -> list[str]:
    """Return what is wrong with a refusal."""
    told = answer.json()
    faults = [(fault["field"], fault["message"]) for fault in told["errors"]]
    said = [told["detail"], *(message for _, message in faults)]
    return [
        *(f"no sentence: {each}" for each in said if not re.match(r"\S.*[.?]$", each, re.DOTALL)),
        *(f"no word for people: {each}" for each in said if UNFIT.search(each)),
        *([] if faults else ["no field"]),
        *(f"no field of it: {field}" for field, _ in faults if re.split(r"[.\[]", field)[0] not in allowed),
    ]


async def test_a_body_that_is_wrong_anywhere_is_refused_in_words_for_people(whole: Whole) -> None:
    owner, found, refusals = whole.ask("owner"), [], 0
    for method, path, body in BODIES:
        address, right = whole.filled(path), sampled(body, whole)
        allowed = {*right, "bogus", *(name.partition(".")[0] for name in right.get("thresholds", ()))}
        for place, wrong in spoilt(right):
            answer = await owner.request(method, address, json=wrong)
            if answer.status_code < 300:
                continue
            refusals += 1
            more = objections(answer, allowed) if answer.status_code == 422 else [f"status {answer.status_code}"]
            found += [(method, path, place, wrong, each) for each in more if answer.status_code not in (403, 409)]
    assert found == []
    assert refusals > 400


async def test_what_is_none_of_the_choices_has_them_named_however_deep_it_stands(whole: Whole) -> None:
    owner = whole.ask("owner")
    for method, path, body in BODIES:
        right = sampled(body, whole)
        for (of, field), words in CHOICES.items():
            way: Path_ = tuple(int(at) if at else name for name, at in re.findall(r"(\w+)|\[(\d+)\]", field))
            if of != path or way not in paths(right):
                continue
            answer = await owner.request(method, whole.filled(path), json=_with(right, way, "bogus"))
            told = {fault["field"]: fault["message"] for fault in answer.json()["errors"]}
            assert set(words.split(", ")) <= set(re.findall(r"\w+", told[field])), (path, field)


async def test_the_very_entry_that_is_wrong_is_named_and_what_may_be_meant(whole: Whole) -> None:
    owner, place = whole.ask("owner"), whole.samples["/places/{place}"].rpartition("/")[2]
    body = {"name": "Frost", "place": place, "when": LEVEL | {"valeu": 3}, "then": [{"alert": {"serverity": "info"}}]}
    assert (await owner.post("/rules", json=body)).json()["errors"] == [
        {"field": "when.valeu", "message": "There is no such field; did you mean value?"},
        {"field": "then[0].alert.serverity", "message": "There is no such field; did you mean severity?"},
    ]
    answer = await owner.post(
        whole.filled("/rules/{rule}/thresholds"), json={"thresholds": {"when.value": 4, "when.clear": "high"}}
    )
    assert answer.json()["errors"] == [{"field": "thresholds.when.clear", "message": "This should be a number."}]
