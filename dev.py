"""Everything that is done here by hand, with nothing but Python: `python3 dev.py` lists it."""

import ast
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "set-up"
ADDRESSES = ("http:", "https:", "file:")  # in the lock, one would bind it to one machine's way to packages

CHECKS = {
    "eslint": ("build_web.py", "exec", "--", "eslint", "--max-warnings=0", "."),
    "mypy --strict": ("-m", "mypy"),
    "vue-tsc": ("build_web.py", "exec", "--", "vue-tsc", "--noEmit"),
    "rings, licences": ("-m", "pytest", "-q", "tests/test_architecture.py", "tests/test_licences.py"),
    "ruff check": ("-m", "ruff", "check", "."),
    "ruff format": ("-m", "ruff", "format", "--check", "."),
}


class Stopped(Exception):
    """It cannot go on; the sentence says what to do."""


def run(arguments: Sequence[str]) -> int:
    """Set everything up and start Verger; what follows goes to `verger serve`."""
    set_up()
    build_web()
    return become("-m", "verger", "serve", *arguments)


def demo(arguments: Sequence[str]) -> int:
    """Start Verger on a throw-away folder, with a month of history and live simulated devices."""
    set_up()
    build_web()
    return become("-m", "verger", "demo", *arguments)


def test(arguments: Sequence[str]) -> int:
    """Run all tests that this machine can; --long adds the long ones; what follows goes to pytest."""
    set_up()
    build_web()
    if not set(arguments) <= {"--long"}:
        return python("-m", "pytest", *arguments)
    status = python("-m", "pytest", f"--numprocesses={min(os.cpu_count() or 1, 4)}", "--dist=worksteal", *arguments)
    return python("build_web.py", "run", "--silent", "test") or status


def check(_arguments: Sequence[str]) -> int:
    """Judge without running: lint, form, types, rings and licences, of Python and web."""
    set_up()
    build_web("install")
    began = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(_judge, CHECKS, CHECKS.values()))
    print(f"{'All is well' if all(good) else 'Something is wrong'} ({time.monotonic() - began:.0f} s).")
    return 0 if all(good) else 1


def fmt(_arguments: Sequence[str]) -> int:
    """Put everything into form and mend what mends itself."""
    set_up()
    steps = (("-m", "ruff", "check", "--fix", "."), ("-m", "ruff", "format", "."), ("build_web.py", "run", "fmt"))
    return max(python(*step) for step in steps)


def e2e(arguments: Sequence[str]) -> int:
    """Run the tests that use a real browser and real clients; what follows goes to pytest."""
    set_up()
    build_web()
    return python("-m", "pytest", "tests/e2e", *arguments)


def bench(arguments: Sequence[str]) -> int:
    """Run one benchmark by its name; without a name, list them."""
    if not arguments:
        for path in sorted((ROOT / "bench").glob("*.py")):
            about = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            if f"dev.py bench {path.stem}" in about:  # the others are its parts
                print(about.splitlines()[0])
        return 0
    name, *rest = arguments
    set_up()
    return python("-m", f"bench.{name}", *rest)


def lock(arguments: Sequence[str]) -> int:
    """Write requirements.lock anew from pyproject.toml; --upgrade takes the newest versions."""
    with _alone():
        _make_venv()
        _must("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
        compiling = (
            "compile",
            "--quiet",
            "--universal",
            "--generate-hashes",
            "--extra",
            "dev",
            "--python-version=3.11",
        )
        hiding = ("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "python3 dev.py lock")
        _must("-m", "uv", "pip", *compiling, *hiding, "pyproject.toml", "--output-file", LOCK.name, *arguments)
    if found := [line for line in LOCK.read_text("utf-8").splitlines() if any(word in line for word in ADDRESSES)]:
        raise Stopped(f"requirements.lock names an address, which it must not: {found[0]}")
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    command.__name__: command for command in (run, test, check, fmt, e2e, bench, demo, lock)
}


def set_up() -> None:
    """Fill .venv from the lock and put Verger into it, unless that was done from this very lock."""
    recipe = (str(ROOT).encode(), LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes())
    done = f"{_version()}\n{hashlib.sha256(b''.join(recipe)).hexdigest()}\n"
    with _alone():
        if PYTHON.exists() and STAMP.is_file() and STAMP.read_text("utf-8") == done:
            return
        _say("Setting up .venv; this takes a minute, and only the first time …")
        _make_venv()
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
        _must(*pip, "--require-hashes", "--requirement", LOCK.name)
        _must(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")
        STAMP.write_text(done, "utf-8")


def build_web(*arguments: str) -> None:
    """Build the web pages, unless they were built from what is in web/ now; "install" stops before that."""
    with _alone():
        _must("build_web.py", *arguments)


def python(*arguments: str) -> int:
    """Run the Python of .venv in the root and return its exit status."""
    return subprocess.run([PYTHON, *arguments], cwd=ROOT, check=False).returncode


def become(*arguments: str) -> int:
    """Go on as the Python of .venv, so that signals and the exit status are its own."""
    os.execv(PYTHON, [str(PYTHON), *arguments])  # noqa: S606  no shell is wanted


def _make_venv() -> None:
    """Make .venv where there is none, or where another Python made it."""
    made_by = STAMP.read_text("utf-8").partition("\n")[0] if STAMP.is_file() else _version()
    if PYTHON.exists() and made_by == _version():
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise Stopped("This Python cannot make virtual environments. On Debian: apt install python3-venv")
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def _must(*arguments: str) -> None:
    """Run the Python of .venv with its output on stderr; stop when it fails."""
    done = subprocess.run([PYTHON, *arguments], cwd=ROOT, check=False, stdout=sys.stderr)
    if done.returncode:
        raise Stopped(f"This failed, and says above why: {' '.join(('python', *arguments))}")


def _judge(name: str, arguments: Sequence[str]) -> bool:
    """Run one check and print its verdict, with its words where it found something."""
    began = time.monotonic()
    done = subprocess.run(
        [PYTHON, *arguments], cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    verdict = "well" if done.returncode == 0 else "WRONG"
    words = done.stdout if done.returncode else ""
    print(f"{name:<16} {verdict} ({time.monotonic() - began:.1f} s)\n{words}", end="", flush=True)
    return done.returncode == 0


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the root, so that two commands at once do not set up the same thing."""
    root = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(root, fcntl.LOCK_EX)
        yield
    finally:
        os.close(root)


def _version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Run the command that is named first, or list them; return the exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036  an older Python comes as far as here
        _say(f"Verger needs Python 3.11 or newer; this is {_version()}.")
        return 2
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
    if name in COMMANDS:
        try:
            return COMMANDS[name](rest)
        except Stopped as stopped:
            _say(str(stopped))
            return 1
        except KeyboardInterrupt:
            return 130
    for command in COMMANDS.values():
        print(f"python3 dev.py {command.__name__:<6} {command.__doc__}")
    return 2 if name and name not in {"help", "--help", "-h"} else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
