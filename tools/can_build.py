"""Exit 0 if this interpreter can make virtual environments and compile extensions."""

import ensurepip  # noqa: F401 -- Debian ships Python without it
import os
import sys
import sysconfig

header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
sys.exit(0 if sys.version_info >= (3, 8) and os.path.exists(header) else 1)
