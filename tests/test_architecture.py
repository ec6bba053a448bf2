"""The import map of the project and the rules of its architecture that a program can check.

A rule reads one file's path and source and returns what breaks it, as "path:line: why". Each is held against
the whole tree, and against cases that show it catching a bad file and passing a good one.
"""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.source import parsed

# A room imports itself and rooms of the tiers below its own. Changing the map needs a decision record.
TIERS = (
    ("orchestrator",),
    ("live",),
    ("session",),
    ("recovery", "reporter"),
    ("api", "web", "backtest"),
    ("runner",),
    ("executor", "guard"),
    ("engine",),
    ("desk", "hooks"),
    ("order_manager",),
    ("storage", "strategies", "venues", "console", "logbook", "scaffold", "control"),
    ("state", "risk"),
    ("telemetry",),
    ("config",),
    ("commands",),
    ("environment",),
    ("settings",),
    ("venue_settings",),
    ("setting_values",),
    ("clock",),
    ("domain",),
)
BESIDE = {"simulator": {"simulator", "clock", "domain", "venues.matching"}}
UNBOUND = {"bench", "tests"}
TIER_OF = {room: number for number, tier in enumerate(TIERS) for room in tier}
ROOMS = {*TIER_OF, *BESIDE, *UNBOUND}

FILES = ("orchestrator.py", "executor.py", "config.py", "requirements.txt")
FOLDERS = ("strategies", "storage", "tests", "data")
DOMAIN_MAY_IMPORT = {*sys.stdlib_module_names, "domain", "msgspec"}
DOORS = {
    *("storage", "venues", "executor", "clock", "time", "asyncio", "threading", "multiprocessing"),
    *("socket", "selectors", "ssl", "http", "urllib", "aiohttp", "httpx", "requests", "websockets"),
    *("subprocess", "ccxt", "polymarket", "redis", "aiosqlite", "sqlite3"),
}
SYSTEM_TIME = {
    *("time.time", "time.monotonic", "time.perf_counter", "time.process_time"),
    *("time.time_ns", "time.monotonic_ns", "time.perf_counter_ns", "time.process_time_ns"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
}
UNOWNED_TASKS = {"asyncio.create_task", "asyncio.ensure_future", "asyncio.gather"}
CHANCE = {"random", "uuid"}
MOCKS = {"unittest.mock", "mock"}

ROOT = Path(__file__).resolve().parent.parent

Rule = Callable[[Path, str], list[str]]


def rooms_are_on_the_map(path: Path, source: str) -> list[str]:
    """Find a file whose room the map does not know."""
    return [] if room_of(path) in ROOMS else [f"{path}:1: room {room_of(path)!r} is not on the import map"]


def imports_follow_the_map(path: Path, source: str) -> list[str]:
    """Find imports of a room above, beside, or outside of the product."""
    allowed = may_import(room_of(path))
    return [
        f"{path}:{line}: {room_of(path)} must not import {name}; it may import {', '.join(sorted(allowed))}"
        for line, name in imported_names(source)
        if top_of(name) in ROOMS and not any(is_within(name, part) for part in allowed)
    ]


def domain_is_pure(path: Path, source: str) -> list[str]:
    """Find third-party packages and other rooms in the domain."""
    return [
        f"{path}:{line}: the domain must not import {name}; standard library and msgspec only"
        for line, name in imported_names(source)
        if room_of(path) == "domain" and top_of(name) not in DOMAIN_MAY_IMPORT
    ]


def strategies_see_no_door(path: Path, source: str) -> list[str]:
    """Find doors to the outside in a strategy: its inputs are events, so that a recording can replay them."""
    return [
        f"{path}:{line}: a strategy must not import {name}; make it a feed that puts events into the inbox"
        for line, name in imported_names(source)
        if room_of(path) == "strategies" and top_of(name) in DOORS
    ]


def imports_are_absolute(path: Path, source: str) -> list[str]:
    """Find relative imports."""
    return [
        f"{path}:{node.lineno}: relative import; write the whole name"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def imports_stand_first(path: Path, source: str) -> list[str]:
    """Find imports inside functions, classes and conditions, except below `if __name__ == "__main__"`."""
    tree = parsed(source)
    at_the_top = {id(node) for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            at_the_top |= {id(child) for child in node.body}
    return [
        f"{path}:{node.lineno}: import below the top of the file"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in at_the_top
    ]


def only_the_clock_asks(path: Path, source: str) -> list[str]:
    """Find questions to the system's clock outside clock.py and the measurements of bench/."""
    if path == Path("clock.py") or room_of(path) in UNBOUND:
        return []
    return [
        f"{path}:{line}: {name} outside clock.py; time comes with the event"
        for line, name in references(source)
        if name in SYSTEM_TIME
    ]


def tasks_have_a_group(path: Path, source: str) -> list[str]:
    """Find tasks that no TaskGroup owns; a group's variable is called `group` or `tasks`, or ends so."""
    found = {line: name for line, name in references(source) if name in UNOWNED_TASKS}
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Attribute) and node.attr == "create_task":
            owner = ast.unparse(node.value)
            if not owner.endswith(("group", "tasks")):
                found.setdefault(node.lineno, f"{owner}.create_task")
    return [f"{path}:{line}: {name}; let a TaskGroup create the task" for line, name in found.items()]


def exceptions_are_named(path: Path, source: str) -> list[str]:
    """Find handlers that catch everything and whose line does not say `# supervised:` and why."""
    lines = source.splitlines()
    return [
        f"{path}:{line}: catches everything; name the exception, or give the reason after '# supervised:'"
        for line in sorted(blanket_handlers(parsed(source)))
        if not lines[line - 1].partition("# supervised:")[2].strip()
    ]


def nothing_is_left_to_chance(path: Path, source: str) -> list[str]:
    """Find sources of chance outside bench/ and the tests: the same events must give the same orders."""
    return [
        f"{path}:{line}: {name}; chance and identifiers come through a seeded seam"
        for line, name in imported_names(source)
        if room_of(path) not in UNBOUND and top_of(name) in CHANCE
    ]


def no_mocks(path: Path, source: str) -> list[str]:
    """Find mock libraries, in the tests above all."""
    return [
        f"{path}:{line}: {name}; write a fake, a class of 15 lines"
        for line, name in imported_names(source)
        if any(is_within(name, mock) for mock in MOCKS)
    ]


def import_cycle(sources: Mapping[Path, str]) -> list[str]:
    """Give the modules of one import cycle, first and last the same; empty where there is none."""
    modules = {module_of(path): source for path, source in sources.items()}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for module, source in modules.items():
        targets = {owner_of(name, modules) for _, name in imported_names(source)}
        graph[module] = {target for target in targets if target and target != module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def may_import(room: str) -> set[str]:
    """Give the rooms, or the modules of a room, that the map opens to a room."""
    below = {other for other, tier in TIER_OF.items() if tier > TIER_OF.get(room, 0)}
    return {room, *below} if room in TIER_OF else BESIDE.get(room, ROOMS)


def imported_names(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything imported: `from a import b` gives `a.b`."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module or ''}.{alias.name}") for alias in node.names)


def references(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each use of an imported name, whatever the file calls it."""
    tree = parsed(source)
    full_names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full_names |= {a.asname: a.name for a in node.names if a.asname}
            full_names |= {top_of(a.name): top_of(a.name) for a in node.names if not a.asname}
        elif isinstance(node, ast.ImportFrom):
            full_names |= {a.asname or a.name: f"{node.module or ''}.{a.name}" for a in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            first, dot, rest = ast.unparse(node).partition(".")
            if first in full_names:
                yield node.lineno, full_names[first] + dot + rest


def blanket_handlers(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of bare excepts, and of Exception and BaseException caught or suppressed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or names_everything(node.type)):
            yield node.lineno
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("suppress")
            and names_everything(node)
        ):
            yield node.lineno


def names_everything(node: ast.AST) -> bool:
    """Say whether one of the two exceptions that stand for all is named in the expression."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return not names.isdisjoint(("Exception", "BaseException"))


def is_within(name: str, package: str) -> bool:
    """Say whether the name is the package or something in it."""
    return name == package or name.startswith(f"{package}.")


def owner_of(name: str, modules: Mapping[str, str]) -> str | None:
    """Give the module of the project that an imported name comes from, None where it comes from outside."""
    parts = name.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((candidate for candidate in candidates if candidate in modules), None)


def module_of(path: Path) -> str:
    """Give the dotted name of a file: venues/base.py is venues.base, venues/__init__.py is venues."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def room_of(path: Path) -> str:
    """Give the folder at the top level, or the file's own name where it stands there."""
    return path.parts[0].removesuffix(".py")


def is_test(path: Path) -> bool:
    """Say whether the file belongs to the tests, which keep only the rule against mocks."""
    return room_of(path) == "tests"


def top_of(name: str) -> str:
    """Give the first part of a dotted name."""
    return name.partition(".")[0]


def sources(root: Path) -> dict[Path, str]:
    """Read every .py file outside hidden folders such as .venv, by its path from the root."""
    paths = (path.relative_to(root) for path in sorted(root.rglob("*.py")))
    return {path: (root / path).read_text() for path in paths if not str(path).startswith(".")}


def missing(root: Path) -> list[str]:
    """Give the files and folders of the agreed top level that are not there."""
    folders = [f"{name}/" for name in FOLDERS if not (root / name).is_dir()]
    return [name for name in FILES if not (root / name).is_file()] + folders


RULES = (
    *(rooms_are_on_the_map, imports_follow_the_map, domain_is_pure, strategies_see_no_door),
    *(imports_are_absolute, imports_stand_first, only_the_clock_asks, tasks_have_a_group),
    *(exceptions_are_named, nothing_is_left_to_chance, no_mocks),
)

MAIN = 'if __name__ == "__main__":\n    import sys'
TUPLE = "try: f()\nexcept (OSError, Exception): g()  # supervised:"
EXPLAINED = "try: f()\nexcept Exception: g()  # supervised: ends one strategy"
CASE = ("rule", "path", "source")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    files = {path: source for path, source in sources(ROOT).items() if rule is no_mocks or not is_test(path)}

    broken = [line for path, source in files.items() for line in rule(path, source)]

    assert not broken, "\n" + "\n".join(broken)


def test_modules_import_each_other_without_cycles() -> None:
    assert import_cycle(sources(ROOT)) == []


def test_the_top_level_is_as_agreed() -> None:
    assert missing(ROOT) == []


@pytest.mark.parametrize(
    CASE,
    [
        pytest.param(rooms_are_on_the_map, "attic/old.py", "", id="a room nobody agreed on"),
        pytest.param(imports_follow_the_map, "risk/controls.py", "import executor", id="up"),
        pytest.param(imports_follow_the_map, "storage/a.py", "import venues.base", id="sideways"),
        pytest.param(imports_follow_the_map, "executor.py", "import simulator", id="the simulator"),
        pytest.param(imports_follow_the_map, "config.py", "import tests.fakes", id="into the tests"),
        pytest.param(imports_follow_the_map, "simulator/a.py", "import venues.base", id="its venue"),
        pytest.param(imports_follow_the_map, "simulator/a.py", "import venues", id="the whole room"),
        pytest.param(domain_is_pure, "domain/a.py", "import numpy", id="a package in the domain"),
        pytest.param(domain_is_pure, "domain/a.py", "import config", id="a room in the domain"),
        pytest.param(strategies_see_no_door, "strategies/a.py", "import asyncio", id="the loop"),
        pytest.param(strategies_see_no_door, "strategies/a.py", "from clock import Clock", id="the clock"),
        pytest.param(strategies_see_no_door, "strategies/a.py", "import urllib.request", id="the network"),
        pytest.param(imports_are_absolute, "venues/paper.py", "from . import base", id="relative"),
        pytest.param(imports_stand_first, "a.py", "def f(): import os", id="in a function"),
        pytest.param(imports_stand_first, "a.py", "if TYPE_CHECKING: import os", id="in a condition"),
        pytest.param(only_the_clock_asks, "a.py", "import time\ntime.time_ns()", id="asked"),
        pytest.param(only_the_clock_asks, "a.py", "from time import monotonic as m\nm()", id="renamed"),
        pytest.param(only_the_clock_asks, "a.py", "import datetime as d\nd.date.today()", id="date"),
        pytest.param(only_the_clock_asks, "a.py", "import time\nf(now=time.monotonic)", id="passed on"),
        pytest.param(tasks_have_a_group, "a.py", "import asyncio as a\na.create_task(f())", id="bare"),
        pytest.param(tasks_have_a_group, "a.py", "from asyncio import gather as g\ng()", id="renamed task"),
        pytest.param(tasks_have_a_group, "a.py", "loop.create_task(f())", id="the loop's task"),
        pytest.param(exceptions_are_named, "a.py", "try: f()\nexcept: g()", id="bare except"),
        pytest.param(exceptions_are_named, "a.py", TUPLE, id="no reason"),
        pytest.param(exceptions_are_named, "a.py", "with suppress(Exception): f()", id="suppress"),
        pytest.param(nothing_is_left_to_chance, "engine.py", "from random import random", id="random"),
        pytest.param(nothing_is_left_to_chance, "engine.py", "import uuid", id="uuid"),
        pytest.param(no_mocks, "tests/test_a.py", "from unittest import mock", id="mock"),
        pytest.param(no_mocks, "tests/test_a.py", "from unittest.mock import MagicMock", id="MagicMock"),
    ],
)
def test_a_rule_catches_what_breaks_it(rule: Rule, path: str, source: str) -> None:
    broken = rule(Path(path), source)

    assert len(broken) == 1
    assert broken[0].startswith(f"{path}:")


@pytest.mark.parametrize(
    CASE,
    [
        pytest.param(rooms_are_on_the_map, "venues/paper.py", "", id="a room"),
        pytest.param(imports_follow_the_map, "executor.py", "import os, storage", id="down"),
        pytest.param(imports_follow_the_map, "venues/a.py", "import venues.base", id="own room"),
        pytest.param(imports_follow_the_map, "bench/load.py", "import executor", id="bench"),
        pytest.param(imports_follow_the_map, "simulator/a.py", "from venues import matching", id="rules"),
        pytest.param(domain_is_pure, "domain/a.py", "from msgspec import Struct", id="msgspec"),
        pytest.param(strategies_see_no_door, "strategies/a.py", "import domain.order", id="domain"),
        pytest.param(imports_are_absolute, "venues/paper.py", "from venues import base", id="absolute"),
        pytest.param(imports_stand_first, "a.py", MAIN, id="entry point"),
        pytest.param(only_the_clock_asks, "clock.py", "import time\ntime.time_ns()", id="the clock"),
        pytest.param(only_the_clock_asks, "a.py", "clock.time_ns()", id="asking the clock"),
        pytest.param(tasks_have_a_group, "a.py", "self._tasks.create_task(f())", id="a group"),
        pytest.param(exceptions_are_named, "a.py", EXPLAINED, id="reason given"),
        pytest.param(nothing_is_left_to_chance, "bench/load.py", "import random", id="bench may"),
        pytest.param(no_mocks, "tests/test_a.py", "import tests.fakes", id="a fake"),
    ],
)
def test_a_rule_passes_what_keeps_it(rule: Rule, path: str, source: str) -> None:
    assert rule(Path(path), source) == []


def test_a_cycle_is_caught_and_a_chain_is_not() -> None:
    a, b = Path("venues/a.py"), Path("venues/b.py")

    cycle = import_cycle({a: "from venues.b import g", b: "from venues import a"})

    assert set(cycle) == {"venues.a", "venues.b"}
    assert import_cycle({a: "from venues.b import g", b: "import os"}) == []


def test_a_missing_file_or_folder_is_noticed(tmp_path: Path) -> None:
    for name in FILES[1:]:
        (tmp_path / name).touch()
    for name in FOLDERS[1:]:
        (tmp_path / name).mkdir()

    assert missing(tmp_path) == [FILES[0], f"{FOLDERS[0]}/"]


def test_hidden_folders_are_not_read(tmp_path: Path) -> None:
    for name in (".venv/a.py", "venues/b.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()

    assert list(sources(tmp_path)) == [Path("venues/b.py")]
