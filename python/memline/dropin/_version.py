"""The memory_profiler that we stand in for."""

__version__ = "0.61.0"
