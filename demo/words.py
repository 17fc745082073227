"""An ordinary program on real input: where does each word stand in the standard library?

It knows nothing of memline. Somewhere in it the memory goes; `memline run demo/words.py` tells where.
"""

import re
import sysconfig
from collections import defaultdict
from pathlib import Path

WORD = re.compile(r"[A-Za-z_]{3,}")


def read_sources(folder):
    files = sorted(folder.glob("*.py")) + sorted(folder.glob("asyncio/*.py"))
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in files}


def index(sources):
    places = defaultdict(list)
    for name, text in sources.items():
        for number, line in enumerate(text.splitlines(), 1):
            for match in WORD.finditer(line):
                places[match.group()].append((name, number, match.start()))
    return places


def most_used(places, how_many):
    ranking = sorted(places, key=lambda word: len(places[word]), reverse=True)
    return ranking[:how_many]


def main():
    sources = read_sources(Path(sysconfig.get_paths()["stdlib"]))
    places = index(sources)
    print(f"{len(sources)} files, {len(places)} words, most used: {' '.join(most_used(places, 8))}")


if __name__ == "__main__":
    main()
