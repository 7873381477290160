"""Tasks: what somebody should do, where, and by when."""

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.di import Provide
from litestar.params import QueryParameter
from msgspec import UNSET, Struct, UnsetType, structs

from verger.base.pages import Page
from verger.base.patch import told
from verger.domain.tasks.model import Due, Priority, Task, TaskState
from verger.domain.tasks.store import WantedTasks
from verger.edges.api.filters import there
from verger.edges.api.given import Asked, Caller, FromQuery, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds

_TAGS = ["tasks"]

At = Annotated[str | None, QueryParameter(description="At this place or below it.")]


class NewTask(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be done; of a device it is at that device's place, unless another is named.

    One that came of an `alert` is at its place and of its device, and the alert tells of it.
    """

    title: str
    notes: str = ""
    place: str | None = None
    device: str | None = None
    priority: Priority = Priority.normal
    assignee: str | None = None
    due: Due | None = None
    alert: str | None = None


class TaskChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a task; what is left out stays."""

    title: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    place: str | UnsetType | None = UNSET
    device: str | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    assignee: str | UnsetType | None = UNSET
    due: Due | UnsetType | None = UNSET
    state: TaskState | UnsetType = UNSET


def _wanted(
    states: Annotated[TaskState | None, QueryParameter(name="state", description="All if left out.")] = None,
    device: FromQuery[str | None] = None,
    assignee: FromQuery[str | None] = None,
    alert: FromQuery[str | None] = None,
) -> WantedTasks:
    """Return which tasks are asked for."""
    return WantedTasks(state=states, device=device, assignee=assignee, alert=alert)


@get(
    "/tasks",
    summary="List tasks, the newest first",
    tags=_TAGS,
    dependencies={"wanted": Provide(_wanted, sync_to_thread=False)},
)
async def items(
    caller: Given[Caller], grounds: Given[Grounds], asked: Given[Asked], wanted: Given[WantedTasks], place: At = None
) -> Page[Task]:
    """Return a page of tasks; sort=due for those first that are due first."""
    tenant = caller.needs("tasks:read").tenant
    await there(grounds, tenant, device=wanted.device, alert=wanted.alert)
    return await grounds.tasking.page(tenant, asked, place, wanted)


@post("/tasks", summary="Add a task", tags=_TAGS)
async def add(data: JSONBody[NewTask], caller: Given[Caller], grounds: Given[Grounds]) -> Task:
    """Keep something to do; whom it is given to is told."""
    return await grounds.tasking.add(caller.needs("tasks:write").tenant, caller.name, structs.asdict(data))


@get("/tasks/{task:str}", summary="Read a task", tags=_TAGS)
async def read(task: Id, caller: Given[Caller], grounds: Given[Grounds]) -> Task:
    """Return one task."""
    return await grounds.tasking.store.get(caller.needs("tasks:read").tenant, task)


@patch("/tasks/{task:str}", summary="Change a task, or say that it is done", tags=_TAGS)
async def change(
    task: Id,
    data: JSONBody[TaskChange],
    caller: Given[Caller],
    grounds: Given[Grounds],
    expected: Given[int | None],
) -> Task:
    """Merge a change into a task (RFC 7396); with state "done" it says who did it and when."""
    return await grounds.tasking.change(caller.needs("tasks:write").tenant, task, caller.name, told(data), expected)


@delete("/tasks/{task:str}", summary="Take a task away", tags=_TAGS)
async def remove(task: Id, caller: Given[Caller], grounds: Given[Grounds], expected: Given[int | None]) -> None:
    """Take a task away, as if it had never been."""
    await grounds.tasking.remove(caller.needs("tasks:write").tenant, task, expected)
