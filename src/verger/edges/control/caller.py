"""The asking end: a command that has the running process do something, and watches."""

import socket
from pathlib import Path
from typing import Any

import msgspec

from verger.base.errors import Refused
from verger.edges.control.address import reachable
from verger.edges.control.listener import Reached


def ask(folder: Path, do: str, given: dict[str, Any], reached: Reached) -> Any | None:
    """Have the process that runs on a folder do something; return the result, or None where none runs.

    Raise Refused with its sentence.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        try:
            with reachable(folder) as path:
                line.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        line.sendall(msgspec.json.encode({"do": do, "given": given}) + b"\n")
        with line.makefile("rb") as answers:
            for answer in answers:
                told = msgspec.json.decode(answer)
                if "done" in told:
                    reached(told["done"], told["total"])
                elif "error" in told:
                    raise Refused(told["error"])
                else:
                    return told["result"]
    raise Refused("The running Verger ended before it answered; look into its log.")
