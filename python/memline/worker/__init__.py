"""The process in which the functions of an Azure Functions app run.

The host (`memline func start`) starts `__main__.py` by its path in the user's own interpreter, and
speaks to it over one socket (docs/wire.md). Only the standard library and the user's own
`azure.functions` are loaded here; memline's extension only when profiling was asked for.

In reading order: frames (the socket), serve (the life of the process), folders and decorated (finding
functions), validate (checking them), invocation (running them), datum, httpdata and convert (values in
and out), logs, errors, memory.
"""

PROTOCOL = 1
VERSION = "0.1.0"
