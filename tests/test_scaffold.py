"""A scaffolded strategy is short, passes its test and every check, and trades at once."""

import ast
import io
import json
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from scaffold import NAME_LENGTH_MAX, NOT_STRATEGIES, new_strategy
from strategies import loader

ROOT = Path(__file__).resolve().parent.parent
CODE_LINES_MAX = 20
LONGEST = "a" * NAME_LENGTH_MAX
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "logs", "*.db*", "bench")


def code_lines(source: str) -> set[int]:
    """Numbers of the lines that hold more than comments and docstrings."""
    documented = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    ]
    docstrings = {
        line for node in documented for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    used = {
        line
        for token in tokens
        if token.type not in NO_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    return used - docstrings


def refusal(name: str, root: Path) -> str:
    """The line that refuses the name; nothing may be written."""
    before = sorted(root.rglob("*"))
    with pytest.raises(ConfigurationError) as caught:
        new_strategy(name, root=root)
    assert sorted(root.rglob("*")) == before
    return str(caught.value)


def test_a_strategy_and_its_test_are_written_and_told_of(tmp_path: Path) -> None:
    told = new_strategy("my_fade", root=tmp_path)

    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.py"))
    assert written == ["strategies/my_fade.py", "tests/strategies/test_my_fade.py"]
    assert told == [
        "wrote strategies/my_fade.py: MyFade, a strategy that trades already; change it",
        "wrote tests/strategies/test_my_fade.py: its test",
        "",
        "replay:  python orchestrator.py --strategies my_fade --market replay",
        "sim:     python orchestrator.py --strategies my_fade --market sim",
        "test:    python -m pytest tests/strategies/test_my_fade.py",
        "why not: python orchestrator.py why --market SLUG",
    ]


def test_the_strategy_has_few_lines_of_code(tmp_path: Path) -> None:
    new_strategy("my_fade", root=tmp_path)

    assert 10 < len(code_lines((tmp_path / "strategies/my_fade.py").read_text())) <= CODE_LINES_MAX


def test_only_code_counts_as_code() -> None:
    lines = [
        '"""Module."""',
        "",
        "# a comment",
        'x = """a',
        'b"""',
        "",
        "def f() -> None:",
        '    """Function."""',
    ]

    assert code_lines("\n".join([*lines, "    g(", "        1,", "    )", ""])) == {4, 5, 7, 9, 10, 11}


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("fade", "Fade"),
        ("a_1__b_", "A1B"),
        ("view", "ViewStrategy"),
        ("true", "TrueStrategy"),
        ("match", "Match"),
    ],
)
def test_the_class_is_called_after_the_file_and_like_nothing_it_imports(
    tmp_path: Path, name: str, class_name: str
) -> None:
    new_strategy(name, root=tmp_path)

    tree = ast.parse((tmp_path / "strategies" / f"{name}.py").read_text())
    assert [node.name for node in tree.body if isinstance(node, ast.ClassDef)] == [class_name]
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert class_name not in imported


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("", "not a name for a file", id="nothing"),
        pytest.param("My_Fade", "not a name for a file", id="capitals"),
        pytest.param("my-fade", "not a name for a file", id="a hyphen"),
        pytest.param("1fade", "not a name for a file", id="a digit first"),
        pytest.param("_fade", "not a name for a file", id="an underscore first"),
        pytest.param("../fade", "not a name for a file", id="a path"),
        pytest.param("fade.py", "not a name for a file", id="a suffix"),
        pytest.param("fade\n", "not a name for a file", id="a line end"),
        pytest.param("häher", "not a name for a file", id="a letter that is not ASCII"),
        pytest.param(f"{LONGEST}a", "not a name for a file", id="too long by one"),
        pytest.param("__init__", "not a name for a file", id="a package's file"),
        pytest.param("class", "a word of Python itself", id="keyword"),
        pytest.param("None", "a word of Python itself", id="keyword with a capital"),
        pytest.param("random", "the name of a module of the standard library", id="standard library"),
        pytest.param(
            "base_strategy", "strategies/base_strategy.py is no strategy", id="what strategies derive from"
        ),
        pytest.param(
            "indicators", "strategies/indicators.py is no strategy", id="no strategy, not there yet"
        ),
    ],
)
def test_a_name_that_cannot_be_a_strategys_is_refused_in_one_line(
    tmp_path: Path, name: str, reason: str
) -> None:
    line = refusal(name, tmp_path)

    assert line.startswith("new-strategy ")
    assert reason in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "there", ["strategies/fade.py", "strategies/fade/__init__.py", "tests/strategies/test_fade.py", "fade.py"]
)
def test_nothing_that_exists_is_written_over(tmp_path: Path, there: str) -> None:
    path = tmp_path / there
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")

    line = refusal("fade", tmp_path)

    assert line.endswith("is there already; choose another name")
    assert path.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "strategies").write_text("a file where the folder should be")

    assert "cannot be written (" in refusal("fade", tmp_path)


def test_it_knows_the_files_that_the_loader_passes_over() -> None:
    assert NOT_STRATEGIES | {"__init__"} == loader.NOT_STRATEGIES


@pytest.fixture(name="copy", scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole tree without what runs leave behind, with three strategies scaffolded in it."""
    copy = tmp_path_factory.mktemp("newcomer") / "polytrader"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    for name in ("my_fade", "view", LONGEST):
        new_strategy(name, root=copy)
    return copy


def run(copy: Path, *command: str) -> str:
    """Run a tool of this interpreter in the copy; it must succeed."""
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def scaffolded(copy: Path) -> list[str]:
    """The files that were written for the three names."""
    names = ("my_fade", "view", LONGEST)
    return [file for name in names for file in (f"strategies/{name}.py", f"tests/strategies/test_{name}.py")]


@pytest.mark.slow
def test_its_tests_pass(copy: Path) -> None:
    assert "21 passed" in run(copy, "-m", "pytest", "-p", "no:cacheprovider", *scaffolded(copy)[1::2])


@pytest.mark.slow
def test_its_files_keep_every_rule(copy: Path) -> None:
    files = scaffolded(copy)

    run(copy, "-m", "ruff", "format", "--check", *files)
    run(copy, "-m", "ruff", "check", "--no-cache", *files)
    # Silent about what it imports: the rest of the tree has checks of its own.
    run(copy, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(copy / "cache"), *files)


@pytest.mark.slow
def test_it_trades_the_recording_at_once(copy: Path) -> None:
    options = ("--strategies", "my_fade", "--market", "replay", "--db", "fade.db", "--json")

    result = json.loads(run(copy, "orchestrator.py", *options))

    figures = result["strategies"]["my_fade"]
    assert 0 < figures["fills"] <= figures["orders"] <= 10  # one order in each of ten markets, at most
    assert result["invariants"] == "ok"
    assert abs(result["equity"] - 1000) < 50  # ten orders of five shares cannot lose more
