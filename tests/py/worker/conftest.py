"""Workers under test: the shim of this tree, in an environment that holds azure-functions.

The environments are made once per Python and version of the library, under .venvs/, and kept.
"""

import importlib
import importlib.util
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHIM = ROOT / "python" / "memline" / "worker"
PACKAGE = "_memline_worker"


def _load(name: str, path: Path) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name,
        str(path),
        submodule_search_locations=[str(path.parent)] if path.name == "__init__.py" else None,
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_load(PACKAGE, SHIM / "__init__.py")
fakehost = _load("fakehost", Path(__file__).with_name("fakehost.py"))
_load("app_files", Path(__file__).with_name("app_files.py"))
environments = _load("environments", ROOT / "tests" / "environments.py")
environment = environments.environment


def pytest_collection_modifyitems(items: List[Any]) -> None:
    environments.leave_out_of_timeouts(items, Path(__file__).parent)


# What depends on the library's release; the rest is tried with the newest only.
LIBRARY_TESTS = (
    "test_folders",
    "test_decorated",
    "test_validate",
    "test_invocation",
    "test_extensions",
)


def pytest_generate_tests(metafunc: Any) -> None:
    if "library_python" in metafunc.fixturenames:
        both = metafunc.module.__name__.rsplit(".", 1)[-1] in LIBRARY_TESTS
        releases = ["newest", "older"] if both else ["newest"]
        metafunc.parametrize("library_python", releases, indirect=True, scope="session")


@pytest.fixture(scope="session")
def library_python(request: Any) -> str:
    """An interpreter with azure-functions, in a release that the test is to run with."""
    if request.param == "newest":
        return environment("func", ["azure-functions"])
    return environment("func-older", [environments.OLDER[sys.version_info[:2]]])


@pytest.fixture(scope="session")
def newest_python() -> str:
    return environment("func", ["azure-functions"])


@pytest.fixture(scope="session")
def web_python() -> str:
    environments.need_everyday()
    return environment("func-web", ["azure-functions", "fastapi", "flask"])


@pytest.fixture(scope="session")
def stream_python() -> str:
    environments.need_everyday()
    return environment("func-stream", ["azure-functions", "azurefunctions-extensions-http-fastapi"])


@pytest.fixture(scope="session")
def worker_module() -> Callable[[str], ModuleType]:
    """worker_module("frames"): a module of the shim, for tests that need no process."""
    return lambda name: importlib.import_module(f"{PACKAGE}.{name}")


def write_app(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """make_host(python, files, env=, ...): a fake host with a worker started in a folder of these files."""
    hosts: List[Any] = []

    def make(python: str, files: Mapping[str, str], **options: Any) -> Any:
        root = tmp_path / f"app{len(hosts)}"
        root.mkdir()
        host = fakehost.FakeHost(python, write_app(root, files), **options)
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.__exit__()


@pytest.fixture
def app(make_host: Callable[..., Any], library_python: str) -> Callable[..., Any]:
    """app({file: text}, **init): a started worker in the library under test."""

    def start(files: Mapping[str, str], env: Optional[Dict[str, str]] = None, **init: Any) -> Any:
        host = make_host(library_python, files, env=env)
        host.start(**init)
        return host

    return start
