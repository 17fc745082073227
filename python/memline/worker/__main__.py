"""Entry of a worker process: PYTHON [ARGS] DIR/worker/__main__.py --fd N.

Run by path, so that memline need not be installed where the user's app runs. The package is therefore
loaded from its own folder under a name of its own, and that folder leaves sys.path at once: nothing of
the user's may find our modules by accident, nor the other way round.
"""

import importlib.util
import os
import sys

PACKAGE = "_memline_worker"


def load_package(folder: str) -> None:
    """Make the folder importable as PACKAGE, whatever sys.path says."""
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def main() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if not p or os.path.abspath(p) != folder]
    load_package(folder)
    from _memline_worker.serve import run  # type: ignore[import-not-found]

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
