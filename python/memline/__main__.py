"""``python -m memline``: the program memline, for this interpreter."""

import os
import sys
from typing import List


def main(args: List[str]) -> None:
    """`run` and `imports` happen here; any other command becomes the program installed beside the interpreter."""
    if args[:1] == ["run"]:
        from memline._run import main as run_main

        run_main(args[1:])
        return
    if args[:1] == ["imports"]:
        # By a fresh start without runpy, which has imported half of what is to be measured.
        code = "from memline._imports import main; main()"
        os.execv(sys.executable, [sys.executable, "-c", code, *args[1:]])
    program = os.path.join(os.path.dirname(sys.executable), "memline")
    os.environ["MEMLINE_PYTHON"] = sys.executable
    try:
        os.execv(program, [program, *args])
    except OSError as error:
        sys.stderr.write(
            f"memline: cannot start '{program}': {error.strerror}\n"
            "  try: install memline with its program, or use python -m memline run\n"
        )
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
