"""The tasks of CottagePilot, which are Verger's own."""

from datetime import UTC, datetime, time
from typing import Any

from verger.base.clock import moment
from verger.base.errors import Invalid
from verger.base.pages import Asked
from verger.domain.tasks.model import Task, TaskState
from verger.domain.tasks.store import WantedTasks
from verger.domain.tenancy.model import Caller, Permission
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.desk import Desk


async def asks(desk: Desk, call: Call, needs: Permission) -> Caller:
    """Return who asks, by the token in its header; raise Unknown or Forbidden."""
    return await desk.people.caller(call, needs, "Token")


async def tasks(desk: Desk, call: Call) -> Reply:
    """List the tasks."""
    caller = await asks(desk, call, "tasks:read")
    page = await desk.people.stories.tasking.page(caller.tenant, Asked(limit=500), None, WantedTasks())
    now = moment(desk.people.stories.clock.now())
    return compact(
        {"count": len(page.items), "next": None, "previous": None, "results": [shape(each, now) for each in page.items]}
    )


async def add_task(desk: Desk, call: Call) -> Reply:
    """Keep a new task."""
    caller = await asks(desk, call, "tasks:write")
    wanted = _wanted(call.json())
    if "title" not in wanted:
        raise Invalid("name: This field is required.")
    made = await desk.people.stories.tasking.add(caller.tenant, caller.name, wanted)
    return compact(shape(made, moment(desk.people.stories.clock.now())), 201)


async def change_task(desk: Desk, call: Call) -> Reply:
    """Change a task."""
    caller = await asks(desk, call, "tasks:write")
    changed = await desk.people.stories.tasking.change(
        caller.tenant, call.args["task"], caller.name, _wanted(call.json()), None
    )
    return compact(shape(changed, moment(desk.people.stories.clock.now())))


async def remove_task(desk: Desk, call: Call) -> Reply:
    """Take a task away."""
    caller = await asks(desk, call, "tasks:write")
    await desk.people.stories.tasking.remove(caller.tenant, call.args["task"], None)
    return Reply(204)


async def done(desk: Desk, call: Call) -> Reply:
    """Note that a task is done."""
    caller = await asks(desk, call, "tasks:write")
    change = {"state": TaskState.done}
    await desk.people.stories.tasking.change(caller.tenant, call.args["task"], caller.name, change, None)
    return compact({"status": "Task status updated"})


def _wanted(told: Any) -> dict[str, Any]:
    """Return what of a task is ours; fields that mean nothing here are left alone."""
    if not isinstance(told, dict):
        raise Invalid("Send an object.")
    wanted: dict[str, Any] = {}
    if isinstance(told.get("name"), str):
        wanted["title"] = told["name"]
    if told.get("description") is not None:
        wanted["notes"] = str(told["description"])
    if isinstance(told.get("status"), str):
        wanted["state"] = TaskState.done if told["status"] == "done" else TaskState.open
    if told.get("time_correlation"):
        try:
            day = datetime.fromisoformat(str(told["time_correlation"])).date()
        except ValueError:
            raise Invalid("time_correlation: a date is written YYYY-MM-DD.") from None
        wanted["due"] = datetime.combine(day, time(23, 59), UTC)
    return wanted


def shape(task: Task, now: datetime) -> dict[str, Any]:
    """Return a task as clients read it."""
    late = task.due is not None and task.due < now
    status = "done" if task.state is TaskState.done else "overdue" if late else "waiting"
    return {
        "id": task.id,
        "name": task.title,
        "group": None,
        "description": task.notes or None,
        "additional_info": None,
        "location": None,
        "status": status,
        "sensor": None,
        "limit_value": None,
        "month_correlation": None,
        "time_correlation": task.due.date().isoformat() if task.due else None,
        "created_at": task.created_at,
        "updated_at": task.done_at or task.created_at,
    }


TASKS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/task/", tasks),
    ("POST", "/task/", add_task),
    ("PUT", "/task/{task}/", change_task),
    ("PATCH", "/task/{task}/", change_task),
    ("DELETE", "/task/{task}/", remove_task),
    ("POST", "/task/{task}/mark_done/", done),
)
