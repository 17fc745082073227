"""All ways to use the injected profile."""
# ruff: noqa: F821

import builtins

assert builtins.profile is profile


@profile()
def called():
    return 1


@profile(precision=4)
def options():
    return 2


def steps():
    yield 3


steps_profiled = profile(steps)


def added():
    return 4


profile.add_function(added)
added()  # off: not counted
with profile:
    assert next(steps_profiled()) == 3
profile.enable_by_count()
profile.enable_by_count()
added()
profile.disable_by_count()
added()
profile.disable_by_count()
added()
called()
options()
print("done")
