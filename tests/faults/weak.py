"""A weak machine for one server: its syncs can fail and its clock can be wrong, while it runs."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

_SHAPE = struct.Struct("<qii64s")
_SOURCE = Path(__file__).with_name("weak.c")
_EVERY = 2**31 - 1


class Weakness:
    """What is wrong with a machine now; `surroundings` is what its server is started with."""

    def __init__(self, folder: Path) -> None:
        """Compile what the server is to load into a folder."""
        compiler, library, told = shutil.which("cc"), folder / "weak.so", folder / "weakness"
        assert compiler is not None
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
        told.write_bytes(bytes(_SHAPE.size))
        with told.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SHAPE.size)
        self.surroundings = {"LD_PRELOAD": str(library), "WEAK_MACHINE": str(told)}

    @property
    def failed(self) -> int:
        """How many syncs have failed."""
        return int.from_bytes(self._memory[12:16], "little")

    def fail_syncs(self, path: str, many: int = _EVERY) -> None:
        """Let so many syncs of files fail whose path contains `path`."""
        self._memory[16:] = path.encode().ljust(64, b"\0")
        self._memory[8:12] = many.to_bytes(4, "little")

    def heal(self) -> None:
        """Let syncs succeed again."""
        self._memory[8:12] = bytes(4)

    def move_clock(self, seconds: int) -> None:
        """Let the server's clock be wrong by so many seconds from now on."""
        self._memory[:8] = seconds.to_bytes(8, "little", signed=True)
