"""How far each line's increment is off, on a program whose answer is known: accuracy.py TOOL."""

import json
import sys

from programs import known

import tools

MIB = 2**20


def main(tool_name):
    tool = tools.TOOLS[tool_name]()
    code = known.f.__code__
    known.g = tool.decorate(known.g)
    tool.decorate(known.f)()
    if tool_name == "memline":
        import memline

        found = {r.line: r.rss_net_bytes / MIB for r in memline.snapshot() if r.function == "f"}
    else:
        found = {line: row and row[0] for line, row in tool.profiler.code_map[code].items()}
    errors = {line: round((found.get(line) or 0.0) - true, 2) for line, true in known.TRUE.items()}
    print(json.dumps({"errors": errors, "worst": max(map(abs, errors.values()))}))


main(*sys.argv[1:])
