"""Acting: what a rule decided, written as commands, alerts, tasks and notices, with why and what became of each."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import moment
from verger.base.errors import Busy, Refused, Stale
from verger.base.ids import new_id
from verger.domain.alerts.model import Opening, Severity
from verger.domain.alerts.store import AlertStore
from verger.domain.commands.model import Command
from verger.domain.commands.store import CommandStore
from verger.domain.devices.kept import Kept
from verger.domain.notifications.model import MEMBERS, Notice, Urgency, one
from verger.domain.notifications.outbox import Outbox
from verger.domain.rules.actions import ToAlert, ToCommand, ToNotify, ToTask, ToWebhook
from verger.domain.rules.memory import Decision
from verger.domain.rules.model import Rule
from verger.domain.rules.rendering import named
from verger.domain.rules.runs import Done, Run, RunStore
from verger.domain.tasks.model import TITLE_LONGEST, Priority, Task
from verger.domain.tasks.store import TaskStore
from verger.domain.tenancy.members import Members
from verger.flows.commanding import Wish
from verger.flows.desiring import Desired, Desiring
from verger.flows.tasking import for_you
from verger.flows.unheeded import unheeded
from verger.flows.wording import in_words, measure_of, speaks_of, subject_of, tells

DONE, REFUSED, QUEUED = "done", "refused", "queued"
Made = tuple[str, str | None, str | None]


class Orders(Protocol):
    """Who knows what devices can be told."""

    async def prepare(self, tenant: str, device: str, wish: Wish, asked_by: str) -> Command:
        """Return a command that may be added to the store; raise Missing or Invalid."""
        ...


class Calls(Protocol):
    """Where calls of other people's addresses wait to be made."""

    async def put(self, connection: AsyncConnection, tenant: str, run: str, url: str, body: Any) -> str:
        """Call an address once the caller's transaction is committed; return the call's id. Raise Refused."""
        ...


@dataclass
class Plan:
    """What a decision comes to: commands are checked already, all else is done when it is written."""

    tenant: str
    rule: Rule
    decision: Decision
    place: str | None
    prepared: dict[int, Command | str] = field(default_factory=dict)  # by action; why not, where it cannot be
    desired: list[Desired] = field(default_factory=list)
    times: int = 1  # how often it was seen, where it is seen again


@dataclass(frozen=True)
class Effects:
    """Where the effects of rules are kept."""

    alerts: AlertStore
    tasks: TaskStore
    commands: CommandStore
    outbox: Outbox
    runs: RunStore
    members: Members


@dataclass(frozen=True)
class Acting:
    """Does what rules ask for, in the transaction of their memory."""

    kept: Kept
    orders: Orders
    effects: Effects
    desires: Desiring
    calls: Calls

    async def plan(self, tenant: str, rule: Rule, decision: Decision, place: str | None, where: str) -> Plan:
        """Check what is to be done before anything is written; `where` is the name of the place."""
        devices = await self.kept.devices.these(tenant, speaks_of(decision))
        called = {device.id: device.name for device in devices}
        names = {"rule": rule.name, "place": where, "device": called.get(subject_of(decision) or "", "")}
        if tells(decision):
            decision = in_words(decision, await measure_of(self.kept, tenant, devices), called, names)
        else:
            decision = structs.replace(decision, then=tuple(named(action, names) for action in decision.then))
        plan = Plan(tenant, rule, decision, place)
        for at, action in enumerate(decision.then):
            if action.command is not None:
                plan.prepared[at] = await self._prepared(plan, action.command)
        return plan

    async def _prepared(self, plan: Plan, told: ToCommand) -> Command | str:
        device = told.device or plan.decision.device or ""
        wish = Wish(method=told.method, params=told.params, ttl_s=told.ttl_s)
        try:
            return await self.orders.prepare(plan.tenant, device, wish, f"rule:{plan.rule.id}")
        except Refused as why:
            return str(why)

    async def write(self, connection: AsyncConnection, plan: Plan) -> None:
        """Write what is to be done, and for a rule that fires the run that tells of it; raise Busy for not now."""
        try:
            await self._written(connection, plan)
        except Stale as stale:  # somebody changed an alert meanwhile
            raise Busy(str(stale)) from stale

    async def _written(self, connection: AsyncConnection, plan: Plan) -> None:
        tenant, rule, decision = plan.tenant, plan.rule, plan.decision
        if decision.kind == "clear":
            await self.effects.alerts.clear(connection, tenant, rule.id, decision.device, decision.at)
            return
        if decision.kind == "again" and not decision.opens:
            for action in decision.then:
                if action.alert is not None:
                    await self.effects.alerts.recur(connection, tenant, _opening(plan, action.alert), plan.times)
            return
        run = new_id()
        done = [await self._do(connection, plan, run, at) for at in range(len(decision.then))]
        if decision.kind == "fire":
            told = Run(
                id=run, device=decision.device, at=moment(decision.at), because=decision.because, then=tuple(done)
            )
            await self.effects.runs.add(connection, tenant, rule.id, told)

    async def _do(self, connection: AsyncConnection, plan: Plan, run: str, at: int) -> Done:
        action = plan.decision.then[at]
        try:
            state, made, error = await self._made(connection, plan, run, at)
        except (Busy, Stale):
            raise  # it is to be tried again, with all else
        except Refused as why:
            state, made, error = REFUSED, None, str(why)
        return Done(action=action, state=state, id=made, error=error)

    async def _made(self, connection: AsyncConnection, plan: Plan, run: str, at: int) -> Made:
        """Write one action; return how it stands, the id of what it made, and why it could not be done."""
        action, tenant, effects = plan.decision.then[at], plan.tenant, self.effects
        made = None
        if action.command is not None:
            return await self._commanded(connection, plan, run, at)
        if action.alert is not None:
            made = (await effects.alerts.open(connection, tenant, _opening(plan, action.alert))).alert.id
        elif action.task is not None:
            held = await effects.alerts.held(connection, tenant, plan.rule.id, plan.decision.device)
            task = structs.replace(_task(plan, action.task), alert=None if held is None else held.id)
            made = await self._tasked(connection, tenant, task)
        elif action.notify is not None:
            made = await effects.outbox.put(connection, tenant, await self._notice(connection, plan, action.notify))
        elif action.webhook is not None:
            return await self._called(connection, plan, run, action.webhook)
        elif action.set is not None:
            device = action.set.device or plan.decision.device or ""
            change = {action.set.attribute: action.set.value}
            plan.desired.append(await self.desires.within(connection, tenant, device, change))
        return DONE, made, None

    async def _tasked(self, connection: AsyncConnection, tenant: str, task: Task) -> str:
        """Keep a task, and tell whom it is given to; one for somebody who is no member, or no longer, is nobody's."""
        if task.assignee is not None and not await self.effects.members.among(connection, tenant, task.assignee):
            task = structs.replace(task, assignee=None)
        await self.effects.tasks.add(connection, tenant, task)
        if task.assignee is not None:
            await self.effects.outbox.put(connection, tenant, for_you(task, task.assignee))
        return task.id

    async def _commanded(self, connection: AsyncConnection, plan: Plan, run: str, at: int) -> Made:
        prepared = plan.prepared[at]
        if isinstance(prepared, str):
            told, decision = plan.decision.then[at].command, plan.decision
            device = (told.device if told else None) or decision.device or ""
            opening = await unheeded(self.kept, connection, plan.tenant, plan.rule, device, prepared, decision.at)
            await self.effects.alerts.open(connection, plan.tenant, opening)
            return REFUSED, None, prepared
        kept = await self.effects.commands.add(connection, plan.tenant, structs.replace(prepared, batch=run))
        return kept.stage, kept.id, None

    async def _called(self, connection: AsyncConnection, plan: Plan, run: str, told: ToWebhook) -> Made:
        body = _account(plan, run) if told.body is None else told.body
        return QUEUED, await self.calls.put(connection, plan.tenant, run, told.url, body), None

    async def _notice(self, connection: AsyncConnection, plan: Plan, told: ToNotify) -> Notice:
        return Notice(
            severity=Urgency.info,
            kind="rule",
            title=plan.rule.name,
            body=told.message,
            to=await self._to(connection, plan, told),
            subject=f"rule:{plan.rule.id}",
            place=plan.place,
            device=plan.decision.device,
        )

    async def _to(self, connection: AsyncConnection, plan: Plan, told: ToNotify) -> str:
        """Return who is told: the assignee is whoever sees to the rule's open alert, and members while nobody does."""
        if told.to == "user":
            return one(told.user or "")
        if told.to != "assignee":
            return told.to
        held = await self.effects.alerts.held(connection, plan.tenant, plan.rule.id, plan.decision.device)
        return MEMBERS if held is None or held.assignee is None else one(held.assignee)


def _opening(plan: Plan, told: ToAlert) -> Opening:
    decision = plan.decision
    return Opening(
        rule=plan.rule.id,
        device=decision.device,
        place=plan.place,
        severity=Severity(told.severity),
        message=told.message or plan.rule.name,
        value=decision.value,
        at=decision.at,
        momentary=plan.rule.momentary and told.clear_after_s is None,
        sources=tuple(sorted(speaks_of(decision) - {decision.device})),
    )


def _task(plan: Plan, told: ToTask) -> Task:
    at = moment(plan.decision.at)
    return Task(
        id=new_id(),
        title=told.title[:TITLE_LONGEST],
        notes=told.notes,
        place=plan.place,
        device=plan.decision.device,
        priority=Priority(told.priority),
        assignee=told.assignee,
        due=None if told.due_in_s is None else at + timedelta(seconds=told.due_in_s),
        made_by=f"rule:{plan.rule.id}",
        created_at=at,
    )


def _account(plan: Plan, run: str) -> dict[str, Any]:
    """Return what is told of a run where its rule does not say."""
    decision, rule = plan.decision, plan.rule
    return {
        "rule": {"id": rule.id, "name": rule.name},
        "run": run,
        "at": moment(decision.at),
        "place": plan.place,
        "device": decision.device,
        "because": decision.because,
    }
