"""The shape of the package: rooms, names, sizes and signatures, counted in its source."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import memmpy

ROOT = Path(memmpy.__file__).parent
#: Files that a tool or Python itself calls.
ENTRY_POINTS = {"__init__", "__main__"}
#: `load_root` is convert, skim and loader in one call.
MAX_PUBLIC_PARAMETERS, LOAD_ROOT_PARAMETERS, MAX_INNER_PARAMETERS = 20, 24, 8


@cache
def modules() -> Mapping[str, Path]:
    """Return the file of each module and package, by its dotted name."""
    paths = [path for path in sorted(ROOT.rglob("*.py")) if path.name != "_version.py"]
    return {dotted_name(path): path for path in paths}


def dotted_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports, also inside of functions."""
    names = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {home_of(node.module, alias.name) for alias in node.names}
    return frozenset(names & modules().keys())


def home_of(module: str, name: str) -> str:
    """Return the module that a name comes from; a package only re-exports names."""
    if f"{module}.{name}" in modules():
        return f"{module}.{name}"
    if module in modules() and is_package(module):
        for node in tree_of(module).body:
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                names = {alias.asname or alias.name for alias in node.names}
                if name in names:
                    return home_of(node.module, name)
    return module


def stem(module: str) -> str:
    return module.rpartition(".")[2]


def is_package(module: str) -> bool:
    return modules()[module].stem == "__init__"


def num_lines_of(module: str) -> int:
    return modules()[module].read_text(encoding="utf-8").count("\n")


def functions() -> Iterator[tuple[str, str, ast.FunctionDef]]:
    """Yield each function with its module, and the class that it is a method of or ''."""
    for module in modules():
        owners = {
            id(child): node.name
            for node in ast.walk(tree_of(module))
            if isinstance(node, ast.ClassDef)
            for child in node.body
        }
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.FunctionDef):
                yield module, owners.get(id(node), ""), node


def num_parameters(function: ast.FunctionDef, *, is_method: bool) -> int:
    arguments = function.args
    num = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
    is_static = any(ast.unparse(node) == "staticmethod" for node in function.decorator_list)
    return num - (is_method and not is_static)


def is_public(owner: str, name: str) -> bool:
    """Tell whether users call a function: it or its class is exported by the package."""
    exported = {*memmpy.__all__, "MemmpyDataModule"}  # of `memmpy.lightning`
    if owner:
        return owner in exported and (not name.startswith("_") or name == "__init__")
    return name in exported


def test_the_top_of_the_package_has_at_most_26_names() -> None:
    names = {module.split(".")[1] for module in modules() if "." in module}
    assert len(names - ENTRY_POINTS) <= 26, sorted(names)


def test_a_module_name_exists_once() -> None:
    names = Counter(stem(module) for module in modules() if stem(module) not in ENTRY_POINTS)
    assert [name for name, num in names.items() if num > 1] == []


def test_a_class_name_exists_once() -> None:
    names = Counter(
        node.name
        for module in modules()
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, num in names.items() if num > 1] == []


def test_no_module_has_more_than_400_lines() -> None:
    num_lines = {
        name: path.read_text(encoding="utf-8").count("\n") for name, path in modules().items()
    }
    assert {name: num for name, num in num_lines.items() if num > 400} == {}


def test_a_small_file_serves_more_than_one_module() -> None:
    importers = defaultdict(set)
    for module in modules():
        if not is_package(module):
            for imported in imports_of(module):
                importers[imported].add(module)
    small = [
        module
        for module in modules()
        if not is_package(module)
        and stem(module) not in ENTRY_POINTS
        and not stem(module).startswith("cmd_")  # a verb of the command line
        and num_lines_of(module) < 50
        and len(importers[module]) <= 1
    ]
    assert small == []


def test_public_functions_have_few_parameters() -> None:
    limits = defaultdict(lambda: MAX_PUBLIC_PARAMETERS, load_root=LOAD_ROOT_PARAMETERS)
    many = {
        f"{module}.{owner}.{function.name}": num
        for module, owner, function in functions()
        if is_public(owner, function.name)
        and (num := num_parameters(function, is_method=bool(owner))) > limits[function.name]
    }
    assert many == {}


def test_inner_functions_have_at_most_8_parameters() -> None:
    many = {
        f"{module}.{owner}.{function.name}": num
        for module, owner, function in functions()
        if not is_public(owner, function.name)
        and (num := num_parameters(function, is_method=bool(owner))) > MAX_INNER_PARAMETERS
    }
    assert many == {}


def test_a_room_of_more_than_five_modules_has_a_contract_of_layers() -> None:
    contracts = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    sizes = Counter(module.rpartition(".")[0] for module in modules() if not is_package(module))
    rooms = [room for room, num in sizes.items() if num > 5]
    assert [room for room in rooms if f'containers = ["{room}"]' not in contracts] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: imports_of(module) for module in modules() if not is_package(module)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"{' -> '.join(error.args[1])}")


def test_rooms_import_each_other_in_one_direction() -> None:
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for module in modules():
        room = ".".join(module.split(".")[:2])
        rooms[room] |= {".".join(name.split(".")[:2]) for name in imports_of(module)} - {room}
    graph = {room: names - {"memmpy"} for room, names in rooms.items() if room != "memmpy"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"{' -> '.join(error.args[1])}")
