"""The limits of size and the rules of tidiness that a program can check, over every file that git would keep.

A rule reads one file's path and source and returns what breaks it, as "path:line: why". Each is held against
the whole tree, and against cases that show it catching a bad file and passing a good one.
"""

import ast
import doctest
import importlib
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.source import parsed

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 6
NESTING_MAX = 3

EXACT_AMOUNTS = (
    "domain/",
    "venues/",
    "risk/",
    "order_manager.py",
    "engine.py",
    "executor.py",
    "storage/writer.py",
)
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}
BASES_WHOSE_METHODS_ARE_NEW = {"ABC", "Enum", "IntEnum", "NamedTuple", "Protocol", "StrEnum", "Struct"}
FILLER = {*("a", "an", "the", "of", "this", "its", "is", "for", "to"), *("get", "gets", "return", "returns")}

ROOT = Path(__file__).resolve().parent.parent

BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[Path, str], list[str]]


def test_files_are_short() -> None:
    assert_kept(files_are_short)


def test_functions_are_short() -> None:
    assert_kept(functions_are_short)


def test_functions_take_few_parameters() -> None:
    assert_kept(parameters_are_few)


def test_nesting_is_shallow() -> None:
    assert_kept(nesting_is_shallow)


def test_every_module_says_in_one_line_what_it_is_for() -> None:
    assert_kept(modules_say_what_they_are_for)


def test_public_names_have_a_sentence_that_adds_something() -> None:
    assert_kept(public_names_are_explained)


def test_open_ends_have_an_issue_number() -> None:
    assert_kept(open_ends_have_an_issue)


def test_amounts_on_the_way_to_an_order_are_exact() -> None:
    assert_kept(amounts_are_exact)


def test_names_of_files_say_something_and_shadow_nothing() -> None:
    assert_kept(file_names_say_something)


def test_no_file_knows_a_home_folder() -> None:
    broken = [line for path in kept_files() for line in paths_are_portable(path, text_of(path))]

    assert not broken, "\n" + "\n".join(broken)


def test_the_readme_names_the_two_commands() -> None:
    assert missing_commands((ROOT / "README.md").read_text()) == []


def test_the_examples_in_docstrings_hold() -> None:
    modules = [module_of(path) for path, source in python_sources().items() if has_example(path, source)]

    failed = {name: doctest.testmod(importlib.import_module(name)).failed for name in modules}

    assert modules, "no docstring has an example"
    assert not any(failed.values()), failed


def files_are_short(path: Path, source: str) -> list[str]:
    """Find a file above the limit of lines."""
    lines = len(source.splitlines())
    return (
        [f"{path}:{lines}: {lines} lines, at most {FILE_LINES_MAX}; split it"]
        if lines > FILE_LINES_MAX
        else []
    )


def functions_are_short(path: Path, source: str) -> list[str]:
    """Find functions above the limit of lines, docstring included, decorators not."""
    return [
        f"{path}:{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"
        for node in functions(source)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def parameters_are_few(path: Path, source: str) -> list[str]:
    """Find functions with too many parameters; keyword-only ones and each of the starred ones count."""
    return [
        f"{path}:{node.lineno}: {node.name} has {count} parameters, at most {PARAMETERS_MAX}; group them"
        for node in functions(source)
        if (count := parameter_count(node.args)) > PARAMETERS_MAX
    ]


def nesting_is_shallow(path: Path, source: str) -> list[str]:
    """Find functions whose blocks stand inside each other too deep; elif and case add no level."""
    return [
        f"{path}:{node.lineno}: {node.name} nests {depth} levels, at most {NESTING_MAX}; return early"
        for node in functions(source)
        if (depth := max(nesting(child) for child in node.body)) > NESTING_MAX
    ]


def modules_say_what_they_are_for(path: Path, source: str) -> list[str]:
    """Find modules outside the tests that do not begin with one line, alone or before an empty one."""
    if is_test(path):
        return []
    lines = (ast.get_docstring(parsed(source)) or "").splitlines()
    if lines and not any(lines[1:2]):
        return []
    return [f"{path}:1: no docstring whose first line says what the module is for"]


def public_names_are_explained(path: Path, source: str) -> list[str]:
    """Find public functions, classes and methods without a docstring, or with one that only repeats the name.

    Methods of a class that extends one of ours may leave the sentence to their base.
    """
    return [
        f"{path}:{node.lineno}: {node.name} needs a sentence that adds something to its name"
        for node in ([] if is_test(path) else public_definitions(parsed(source)))
        if set(words(ast.get_docstring(node) or "")) <= {*words(node.name), *FILLER}
    ]


def open_ends_have_an_issue(path: Path, source: str) -> list[str]:
    """Find comments that leave work open without the number of an issue, as in `(#12)`."""
    return [
        f"{path}:{token.start[0]}: open end without an issue number: {token.string}"
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
        and re.search(r"\b(TODO|FIXME|XXX|HACK)\b(?! ?\(?#\d)", token.string)
    ]


def amounts_are_exact(path: Path, source: str) -> list[str]:
    """Find `float(` on the way to an order; a line that must have it says why after `# float:`."""
    if not path.as_posix().startswith(EXACT_AMOUNTS):
        return []
    lines = source.splitlines()
    return [
        f"{path}:{node.lineno}: float where amounts are Decimal; or say why after '# float:'"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "float"
        and not lines[node.lineno - 1].partition("# float:")[2].strip()
    ]


def file_names_say_something(path: Path, source: str) -> list[str]:
    """Find files and folders named for nothing in particular, or like a module of the standard library."""
    names = [*path.parts[:-1], path.stem]
    empty = [
        f"{path}:1: {name!r} says nothing; name the concern"
        for name in names
        if name in NAMES_THAT_SAY_NOTHING
    ]
    taken = [
        f"{path}:1: {name!r} is a standard library module"
        for name in names
        if name in sys.stdlib_module_names
    ]
    return empty + taken


def paths_are_portable(path: Path, source: str) -> list[str]:
    """Find absolute paths into somebody's home folder."""
    return [
        f"{path}:{number}: a path of one machine: {line.strip()[:80]}"
        for number, line in enumerate(source.splitlines(), start=1)
        if re.search(r"(?<![\w.~-])/(root|home)/", line)
    ]


def missing_commands(readme: str) -> list[str]:
    """Give those of the two commands a newcomer needs that the text does not name."""
    return [command for command in ("make run", "make test") if command not in readme]


def functions(source: str) -> Iterator[Function]:
    """Yield every function and method of a file, inner ones too."""
    return (node for node in ast.walk(parsed(source)) if isinstance(node, Function))


def parameter_count(arguments: ast.arguments) -> int:
    """Count the parameters a caller can give: all but self and cls."""
    positional = [*arguments.posonlyargs, *arguments.args]
    own = bool(positional) and positional[0].arg in ("self", "cls")
    starred = [star for star in (arguments.vararg, arguments.kwarg) if star]
    return len(positional) - own + len(arguments.kwonlyargs) + len(starred)


def nesting(node: ast.AST) -> int:
    """Give how many blocks stand inside each other here; an inner function starts anew."""
    if isinstance(node, Function | ast.Lambda):
        return 0
    inner = max((nesting(child) - is_elif(child, of=node) for child in ast.iter_child_nodes(node)), default=0)
    return inner + isinstance(node, BLOCKS)


def is_elif(node: ast.AST, *, of: ast.AST) -> bool:
    """Say whether the node is the elif of the given `if`: it then begins in the same column."""
    return isinstance(node, ast.If) and isinstance(of, ast.If) and node.col_offset == of.col_offset


def public_definitions(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    """Yield the functions and classes of a module and the methods those classes begin."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef) and begins_its_methods(node):
                methods = (child for child in node.body if isinstance(child, Function))
                yield from (method for method in methods if not method.name.startswith("_"))


def begins_its_methods(node: ast.ClassDef) -> bool:
    """Say whether the class extends none of ours, so that its methods are explained nowhere else."""
    bases = {ast.unparse(base).rpartition(".")[2].partition("[")[0] for base in node.bases}
    return bases <= BASES_WHOSE_METHODS_ARE_NEW


def words(text: str) -> list[str]:
    """Split a sentence, a snake_case or a CamelCase name into lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", text)]


def has_example(path: Path, source: str) -> bool:
    """Say whether a module of the product has a doctest."""
    return not is_test(path) and ">>> " in source


def is_test(path: Path) -> bool:
    """Say whether the file belongs to the tests."""
    return path.parts[0] == "tests"


def module_of(path: Path) -> str:
    """Give the dotted name to import a file by."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def kept_files() -> list[Path]:
    """Ask git for the files it tracks, or would if they were added, by their path from the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [
        path for name in sorted(set(listed.split("\0")) - {""}) if (ROOT / (path := Path(name))).is_file()
    ]


def text_of(path: Path) -> str:
    """Read a text file; a binary one gives nothing."""
    content = (ROOT / path).read_bytes()
    return "" if b"\0" in content else content.decode(errors="replace")


def python_sources() -> dict[Path, str]:
    """Read every .py file that git keeps."""
    return {path: text_of(path) for path in kept_files() if path.suffix == ".py"}


def assert_kept(rule: Rule) -> None:
    """Fail with every line of the project that breaks the rule."""
    broken = [line for path, source in python_sources().items() for line in rule(path, source)]
    assert not broken, "\n" + "\n".join(broken)


def function_of(*, body_lines: int) -> str:
    """Write a function with so many lines below its `def`."""
    return "def f():\n" + "    g()\n" * body_lines


def function_with(*, parameters: int) -> str:
    """Write a method with so many parameters besides self, the last of them keyword-only."""
    names = ", ".join(f"p{number}" for number in range(1, parameters))
    return f"class A:\n    def f(self, {names}, *, last): ...\n"


def nested(*blocks: str) -> str:
    """Write a function whose blocks stand inside each other in the given order."""
    lines = ["def f():", *(f"{'    ' * depth}{block}:" for depth, block in enumerate(blocks, start=1))]
    return "\n".join([*lines, "    " * (len(blocks) + 1) + "g()"])


PUBLIC_METHOD = "class A({}):\n    '''Sums up what one order has done.'''\n    def price(self): ...\n"


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        pytest.param(files_are_short, "a.py", "g()\n" * 401, id="401 lines"),
        pytest.param(functions_are_short, "a.py", function_of(body_lines=60), id="61 lines"),
        pytest.param(parameters_are_few, "a.py", function_with(parameters=7), id="7 parameters"),
        pytest.param(
            nesting_is_shallow, "a.py", nested("if x", "for y in z", "with w", "if v"), id="4 levels"
        ),
        pytest.param(
            nesting_is_shallow, "a.py", nested("match x", "case 1", "if y", "if z", "if w"), id="match"
        ),
        pytest.param(modules_say_what_they_are_for, "a.py", "import os", id="no docstring"),
        pytest.param(modules_say_what_they_are_for, "a.py", "'''Two\nlines.'''", id="first line goes on"),
        pytest.param(public_names_are_explained, "a.py", "def price(): ...", id="no sentence"),
        pytest.param(public_names_are_explained, "a.py", "def f():\n    '''Return the f.'''", id="parrot"),
        pytest.param(
            public_names_are_explained, "a.py", "class OrderBook:\n    '''An order book.'''", id="class"
        ),
        pytest.param(public_names_are_explained, "a.py", PUBLIC_METHOD.format("Struct"), id="method"),
        pytest.param(open_ends_have_an_issue, "a.py", "f()  # TODO: later", id="no number"),
        pytest.param(amounts_are_exact, "venues/paper.py", "float(price)", id="float"),
        pytest.param(amounts_are_exact, "storage/writer.py", "float(price)  # float:", id="no reason"),
        pytest.param(file_names_say_something, "venues/utils.py", "", id="utils"),
        pytest.param(file_names_say_something, "storage/queue.py", "", id="stdlib"),
        pytest.param(file_names_say_something, "platform/linux.py", "", id="stdlib folder"),
        pytest.param(paths_are_portable, "a.py", "open('/" + "root/x')", id="root's home"),
        pytest.param(paths_are_portable, "a.sh", "cd /" + "home/somebody/x", id="somebody's home"),
    ],
)
def test_a_rule_catches_what_breaks_it(rule: Rule, path: str, source: str) -> None:
    broken = rule(Path(path), source)

    assert len(broken) == 1
    assert broken[0].startswith(f"{path}:")


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        pytest.param(files_are_short, "a.py", "g()\n" * 400, id="400 lines"),
        pytest.param(functions_are_short, "a.py", function_of(body_lines=59), id="60 lines"),
        pytest.param(parameters_are_few, "a.py", function_with(parameters=6), id="6 parameters"),
        pytest.param(nesting_is_shallow, "a.py", nested("if x", "for y in z", "with w"), id="3 levels"),
        pytest.param(
            nesting_is_shallow,
            "a.py",
            "def f():\n    if a: g()\n    elif b: g()\n    elif c: g()\n    elif d: g()",
            id="elif",
        ),
        pytest.param(
            nesting_is_shallow, "a.py", "def f():\n    if a:\n        def g(): ...", id="inner function"
        ),
        pytest.param(modules_say_what_they_are_for, "a.py", "'''Says it.\n\nMore.'''", id="one line first"),
        pytest.param(
            public_names_are_explained, "a.py", "def price():\n    '''In pUSD.'''", id="adds a unit"
        ),
        pytest.param(
            public_names_are_explained, "a.py", PUBLIC_METHOD.format("Strategy"), id="base explains"
        ),
        pytest.param(open_ends_have_an_issue, "a.py", "f()  # TODO(#12): later", id="numbered"),
        pytest.param(open_ends_have_an_issue, "a.py", "f('# TODO')", id="not a comment"),
        pytest.param(amounts_are_exact, "strategies/a.py", "float(price)", id="an indicator"),
        pytest.param(amounts_are_exact, "venues/a.py", "float(x)  # float: ccxt asks for it", id="reason"),
        pytest.param(file_names_say_something, "storage/__init__.py", "", id="package"),
        pytest.param(paths_are_portable, "a.py", "'https://example.com/" + "home/'", id="address"),
    ],
)
def test_a_rule_passes_what_keeps_it(rule: Rule, path: str, source: str) -> None:
    assert rule(Path(path), source) == []


def test_a_readme_without_the_commands_is_noticed() -> None:
    assert missing_commands("make run") == ["make test"]
