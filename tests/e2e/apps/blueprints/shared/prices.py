def price_of(what: str) -> int:
    return len(what) * 100
