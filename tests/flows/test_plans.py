"""Every blueprint says only what can be kept, and speaks of nothing that it does not bring."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import convert, structs, to_builtins

import verger
from verger.base.errors import Invalid
from verger.domain.blueprints.reading import NAMES, parse
from verger.domain.derived.expression import metrics
from verger.domain.derived.expression import parse as expression
from verger.domain.devices.capabilities import check, find
from verger.domain.devices.model import DeviceType
from verger.domain.devices.units import unit_shown
from verger.domain.places.model import Place
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.adjusting import moved
from verger.domain.rules.compiled import compiled
from verger.domain.rules.model import leaves
from verger.flows.plans import Plan, plan, plans, schema
from verger.flows.rulebook import ground_of

FOLDER = Path(verger.__file__).parent / "blueprints"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUND = ground_of(Place(id="place", name="Place", created_at=NOW))


def rules_of(one: Plan) -> dict[str, KeptRule]:
    about: dict[str, Any] = {"place": "place", "created_at": NOW}
    return {key: KeptRule(id=key, **about, **structs.asdict(rule)) for key, rule in one.rules.items()}


def types_of(one: Plan) -> dict[str, DeviceType]:
    made = [convert(to_builtins(each) | {"created_at": NOW}, DeviceType) for each in one.device_types]
    return {kind.key: kind for kind in made}


def measured(one: Plan) -> set[str]:
    own = {metric.key for kind in one.device_types for metric in kind.metrics}
    return own | {derived.metric for derived in one.derived.values()}


def methods(one: Plan) -> set[str]:
    return {can.method for kind in one.device_types for can in kind.capabilities}


@pytest.fixture(params=NAMES)
def one(request: pytest.FixtureRequest) -> Plan:
    return plan(request.param)


def test_each_file_is_a_blueprint_of_its_own_name() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(NAMES) == sorted(plans())
    assert [each.name for each in plans().values()] == list(NAMES)


def test_the_schema_beside_the_files_is_that_of_the_code() -> None:
    written = msgspec.json.encode(schema(), order="sorted")
    assert msgspec.json.decode((FOLDER / "schema.json").read_bytes()) == msgspec.json.decode(written)


def test_it_brings_a_type_whose_key_is_its_name(one: Plan) -> None:
    assert one.device_types[0].key == one.name
    assert types_of(one)


def test_its_rules_can_be_judged_anywhere(one: Plan) -> None:
    for rule in rules_of(one).values():
        compiled(rule, GROUND)
        assert rule.devices == set()


def test_its_rules_speak_of_what_it_measures_and_can_do(one: Plan) -> None:
    for key, rule in rules_of(one).items():
        for where, condition in leaves(rule):
            assert condition.metric is None or condition.metric in measured(one), (key, where)
        for action in rule.then:
            if action.command:
                check(
                    find([can for kind in types_of(one).values() for can in kind.capabilities], action.command.method),
                    action.command.params,
                )


def test_members_may_move_its_thresholds_to_both_ends(one: Plan) -> None:
    for key, rule in rules_of(one).items():
        for where, leeway in rule.limits.items():
            for end in (leeway.low, leeway.high):
                assert end is not None, (key, where)
                compiled(moved(rule, {where: end}), GROUND)


def test_its_derived_metrics_are_reckoned_from_its_metrics(one: Plan) -> None:
    for derived in one.derived.values():
        named = list(metrics(expression(derived.expression)))
        assert named
        assert {each.key for each in named} <= measured(one) - {derived.metric}


def test_its_dashboard_and_figures_are_of_what_it_has(one: Plan) -> None:
    assert set(one.dashboard.values) == measured(one)
    assert set(one.dashboard.controls) <= methods(one)
    assert set(one.dashboard.counts) <= {figure.event for figure in one.analytics}
    for figure in one.analytics:
        assert (figure.event is None) != (figure.metric is None)
        assert figure.metric is None or figure.metric in measured(one)


def test_its_demo_has_devices_of_its_types_at_its_places(one: Plan) -> None:
    places = {place.name for place in one.demo.places}
    kinds = {each.kind for each in one.place_kinds}
    assert {one.demo.kind, *(place.kind for place in one.demo.places)} <= kinds
    gateways = {device.name for device in one.demo.devices if device.is_gateway}
    for device in one.demo.devices:
        assert device.type in types_of(one)
        assert device.place is None or device.place in places
        assert device.gateway is None or device.gateway in gateways


def test_its_units_are_written_as_people_write_them(one: Plan) -> None:
    for kind in one.device_types:
        for metric in kind.metrics:
            assert not metric.unit or unit_shown(metric.unit)


def test_what_is_wrong_with_a_file_is_told_with_its_place() -> None:
    text = (FOLDER / "cottage.yaml").read_text("utf-8")
    for before, after, told in (
        ("is: below, value: 5", "is: beneath, value: 5", r"cottage.yaml: Invalid enum value 'beneath' - at `\$.rules"),
        ("unit: Cel", "units: Cel", r"unknown field `units` - at `\$.device_types\[0\].metrics\[0\]`"),
        ("title: Cottage\n", "", "missing required field `title`"),
        ("needs: bookings", "needs: luck", "Invalid enum value 'luck'"),
        ("rules:", "rules: [", "cottage.yaml: "),
    ):
        assert before in text
        with pytest.raises(ValueError, match=told):
            parse(text.replace(before, after, 1).encode(), Plan, "cottage.yaml")


def test_a_blueprint_that_is_none_names_those_that_there_are() -> None:
    with pytest.raises(Invalid, match="cottage, ozone, plant, outlet, farm"):
        plan("castle")


def every(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list | tuple):
        for each in document.values() if isinstance(document, dict) else document:
            yield from every(each)


def test_its_messages_name_only_what_can_be_put_in(one: Plan) -> None:
    for key, rule in one.rules.items():
        for text in every(to_builtins(rule.then)):
            names = {part.split("}")[0] for part in text.split("{")[1:]}
            assert names <= {"value", "device", "place", "metric", "rule"}, (key, text)
            if "{value}" in text:
                assert any(each.metric for _, each in leaves(rules_of(one)[key])), key
