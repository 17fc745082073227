"""Loops over allocation-heavy parts of the standard library, after programs of pyperformance whose names they bear.

They are our own short loops, not pyperformance's files: one process, no warm-up, no workers.
"""

import copy
import decimal
import io
import json
import pickle
import pprint
import sys
import xml.etree.ElementTree as ElementTree

from workloads import measured, profile


def rows(n):
    return [{"id": i, "name": f"item {i}", "tags": ["a", "b"], "x": i * 1.5} for i in range(n)]


@profile
def json_dumps(n=60):
    data = rows(2_000)
    for _ in range(n):
        json.dumps(data)


@profile
def json_loads(n=100):
    text = json.dumps(rows(2_000))
    for _ in range(n):
        json.loads(text)


@profile
def pickle_dumps(n=300):
    data = rows(2_000)
    for _ in range(n):
        pickle.dumps(data)


@profile
def pickle_pure_python(n=20):
    data = rows(1_000)
    for _ in range(n):
        pickle._Pickler(io.BytesIO()).dump(data)


@profile
def unpickle(n=150):
    text = pickle.dumps(rows(2_000))
    for _ in range(n):
        pickle.loads(text)


@profile
def deepcopy(n=80):
    data = rows(500)
    for _ in range(n):
        copy.deepcopy(data)


@profile
def telco(n=250_000):
    """A call's price in cents, taxed and rounded, as telco does; 20 kinds of calls."""
    rate, tax = decimal.Decimal("0.0013"), decimal.Decimal("0.0675")
    cent = decimal.Decimal("0.01")
    total = decimal.Decimal(0)
    for i in range(n):
        price = (decimal.Decimal(i % 20 + 1) * rate).quantize(cent, decimal.ROUND_HALF_EVEN)
        total += price + (price * tax).quantize(cent, decimal.ROUND_DOWN)
        str(total)


@profile
def pprint_format(n=20):
    data = rows(400)
    for _ in range(n):
        pprint.pformat(data)


@profile
def xml_etree(n=60):
    root = ElementTree.Element("rows")
    for row in rows(1_000):
        ElementTree.SubElement(root, "row", {"id": str(row["id"])}).text = row["name"]
    for _ in range(n):
        ElementTree.fromstring(ElementTree.tostring(root))


if __name__ == "__main__":
    measured(globals()[sys.argv[1]], *map(int, sys.argv[2:]))
