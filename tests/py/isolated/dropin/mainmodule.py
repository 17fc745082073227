"""The doc of mainmodule."""

import os
import pickle
import sys

main = sys.modules["__main__"]
assert main.__dict__ is globals(), "the script is the real main module"
assert main.__doc__ == "The doc of mainmodule."
assert main.__name__ == __name__ == "__main__"
assert os.path.samefile(main.__file__, __file__)
assert main.__spec__ is None
assert main.__package__ is None
assert sys.path[0] == os.path.dirname(os.path.abspath(__file__))


class Here:
    pass


assert type(pickle.loads(pickle.dumps(Here()))) is Here
print("main is mine", sys.argv)
