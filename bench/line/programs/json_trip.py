"""Documents to JSON and back: few lines, much work in C under them."""

import json


def document(i):
    rows = []
    for k in range(8):
        rows.append({"id": k, "name": f"item {k}", "tags": ["a", "b", str(i)], "price": k * 1.25})
    return {"number": i, "rows": rows, "note": "x" * 100}


def there_and_back(value):
    text = json.dumps(value, sort_keys=True)
    return json.loads(text)


def work(n):
    total = 0
    for i in range(n):
        value = there_and_back(document(i % 10))
        total += len(value["rows"])
    return total
