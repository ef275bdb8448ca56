"""Structure and names: few modules at the top, short modules and functions, no riddles as names."""

import ast

import pytest
from conftest import REPOSITORY

PACKAGE = REPOSITORY / "otio_speakerzoom"
FOLDERS = (
    PACKAGE,
    *(REPOSITORY / name for name in ("adapters", "training", "benchmarks", "samples")),
)
MODULES = sorted(path for folder in FOLDERS for path in folder.rglob("*.py"))

MAX_TOP_MODULES = 4
MAX_MODULE_LINES, MAX_FUNCTION_LINES = 300, 40
PARTICIPLES = {
    "asked", "begun", "drawn", "found", "given", "gone", "got", "heard", "held", "kept", "known",
    "made", "said", "seen", "shown", "taken", "told", "wanted",
}  # fmt: skip
"""They do not say what a thing is: a name such as detections or message does."""


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path, node=None):
    return f"{path.relative_to(REPOSITORY)}" + (f":{node.lineno}" if node else "")


def functions():
    """Every function, with its module."""
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def names(path):
    """Every variable, argument and attribute that a module assigns, with its node."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node
        elif isinstance(node, ast.arg):
            yield node.arg, node


def test_few_modules_lie_at_the_top_of_the_package():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}

    assert len(modules) <= MAX_TOP_MODULES, sorted(modules)


def test_every_package_states_its_responsibility():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    silent = [place(path) for path in folders if not ast.get_docstring(tree(path / "__init__.py"))]

    assert not silent


def test_no_module_is_long():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    exempt = {PACKAGE / "model.py", *(PACKAGE / "speech" / "networks").glob("*.py")}

    assert not [
        f"{place(path)}: {length} lines"
        for path, length in lengths.items()
        if length > MAX_MODULE_LINES and path not in exempt
    ]


def test_no_function_is_long():
    lengths = {
        f"{place(path, node)} {node.name}": node.end_lineno - node.lineno + 1
        for path, node in functions()
    }

    assert not {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES}


def test_no_function_is_named_for_changing_its_argument():
    assert not [
        f"{place(path, node)} {node.name}"
        for path, node in functions()
        if node.name.lstrip("_").startswith("mut_")
    ]


def test_no_participle_names_a_thing():
    assert not [
        f"{place(path, node)} {name}"
        for path in MODULES
        for name, node in names(path)
        if name.strip("_") in PARTICIPLES
    ]


@pytest.mark.parametrize(
    ("source", "name"),
    [("kept = 1", "kept"), ("def f(told): ...", "told"), ("a.seen = 1", "seen"),
     ("class A:\n    found: int", "found"), ("[made for made in y]", "made")],
)  # fmt: skip
def test_names_count_wherever_they_are_assigned(source, name, tmp_path):
    module = tmp_path / "module.py"
    module.write_text(source)

    assert name in dict(names(module))
