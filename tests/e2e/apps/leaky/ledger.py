entries = []


def remember(what: str) -> None:
    entry = {"what": what, "number": len(entries)}
    entries.append(entry)
