def main(req) -> str
    return ""
