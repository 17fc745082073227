"""The name `memory_profiler`, given to memline's module of that name (memline.dropin)."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # what editors and type checkers see
    from memline.dropin.memory_profiler import *  # noqa: F403

if __name__ == "__main__":
    from memline.dropin._main import main

    main()
else:
    from memline.dropin import memory_profiler

    sys.modules[__name__] = memory_profiler
