"""The name `mprof`, given to memline's module of that name (memline.dropin)."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # what editors and type checkers see
    from memline.dropin.mprof import *  # noqa: F403

if __name__ == "__main__":
    from memline.dropin.mprof import main

    main()
else:
    from memline.dropin import mprof

    sys.modules[__name__] = mprof
