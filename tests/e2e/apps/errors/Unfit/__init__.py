def main(request) -> str:
    return ""
