"""Tenants, users, memberships, roles, API keys, and the caller who acts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from verger.base.errors import Forbidden

Permission = Literal[
    "places:read",
    "devices:read",
    "history:read",
    "events:read",
    "members:read",
    "system:read",
    "alerts:read",
    "alerts:write",
    "alerts:manage",
    "tasks:read",
    "tasks:write",
    "devices:control",
    "rules:read",
    "rules:write",
    "places:write",
    "devices:write",
    "keys:read",
    "keys:write",
    "members:write",
    "jobs:read",
    "history:delete",
    "tenant:write",
    "metrics:read",
    "backups:write",
]
Scope = Literal["metrics"]

Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S")]
Email = Annotated[str, Meta(max_length=254, pattern=r"^\s*[^@\s]+@[^@\s]+\s*$")]
Password = Annotated[str, Meta(max_length=1024)]


class Role(StrEnum):
    """What a membership or an API key allows; each role may all that the lesser ones may."""

    viewer = "viewer"
    member = "member"
    manager = "manager"
    owner = "owner"

    def covers(self, other: "Role") -> bool:
        """Tell whether this role is the other one or a greater one."""
        order = list(Role)
        return order.index(self) >= order.index(other)


_ADDED: dict[Role, set[Permission]] = {
    Role.viewer: {
        "places:read",
        "devices:read",
        "history:read",
        "events:read",
        "members:read",
        "system:read",
        "alerts:read",
        "tasks:read",
        "rules:read",
    },
    Role.member: {"devices:control", "alerts:write", "tasks:write"},
    Role.manager: {
        "alerts:manage",
        "places:write",
        "devices:write",
        "rules:write",
        "keys:read",
        "keys:write",
        "members:write",
        "jobs:read",
    },
    Role.owner: {"history:delete", "tenant:write", "metrics:read", "backups:write"},
}


def permissions(role: Role) -> frozenset[Permission]:
    """Return all that a role may do."""
    return frozenset(permission for lesser in Role if role.covers(lesser) for permission in _ADDED[lesser])


class Tenant(Struct, frozen=True):
    """An organisation: what it looks after belongs to nobody else."""

    id: str
    name: str
    timezone: str
    created_at: datetime
    version: int


class User(Struct, frozen=True):
    """A person, in as many organisations as they are a member of."""

    id: str
    name: str
    email: str
    created_at: datetime
    version: int


class Membership(Struct, frozen=True):
    """One organisation as its member sees it: `id` is the tenant's."""

    id: str
    name: str
    timezone: str
    role: Role


class Member(Struct, frozen=True):
    """One person as their organisation sees them: `id` is the user's."""

    id: str
    name: str
    email: str
    role: Role
    joined_at: datetime
    version: int


class ApiKey(Struct, frozen=True):
    """A key for a program, without its secret; `last_used_at` is told to the hour."""

    id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    made_by: str
    created_at: datetime
    last_used_at: datetime | None
    version: int


class ShownKey(ApiKey, frozen=True):
    """A key just made, with its secret, which is never shown again."""

    token: str


class Founding(Struct, frozen=True, forbid_unknown_fields=True):
    """The first organisation and its owner."""

    tenant: Name
    name: Name
    email: Email
    password: Password
    timezone: Annotated[str, Meta(max_length=64)] = "UTC"


class AboutMe(Struct, frozen=True, forbid_unknown_fields=True):
    """What people may change about themselves; a new password needs the current one."""

    name: Name | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    current_password: Password | UnsetType = UNSET


class Caller(Struct, frozen=True):
    """Who is asking, in which tenant, and as what; `session` is set for people."""

    who: User | ApiKey
    tenant: str
    role: Role
    session: str | None = None

    @property
    def name(self) -> str:
        """Return a name that no other caller has, such as `user:<id>`."""
        return f"{'user' if isinstance(self.who, User) else 'key'}:{self.who.id}"

    def may(self, permission: Permission) -> bool:
        """Tell whether the caller's role allows it."""
        return permission in permissions(self.role)

    def needs(self, permission: Permission) -> Self:
        """Return the caller, or raise Forbidden when their role does not allow it."""
        if not self.may(permission):
            raise Forbidden(f"As {self.role} you may not do this ({permission}); ask {_who_may(permission)}.")
        return self

    def gives(self, role: Role) -> Self:
        """Return the caller, or raise Forbidden when the role is above their own."""
        if not self.role.covers(role):
            raise Forbidden(f"As {self.role} you cannot hand out or take away the role {role}; ask an owner.")
        return self

    def person(self) -> User:
        """Return the person who is asking; raise Forbidden for an API key."""
        if not isinstance(self.who, User):
            raise Forbidden("An API key is no person; sign in to do this.")
        return self.who


def _who_may(permission: Permission) -> str:
    least = next(role for role in Role if permission in permissions(role))
    return f"{'an' if least is Role.owner else 'a'} {least}"


def known_as(email: str) -> str:
    """Return the form under which an e-mail address is looked up, whatever its capitals."""
    return email.strip().casefold()
