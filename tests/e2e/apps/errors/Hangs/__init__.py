import time


def main(req) -> str:
    time.sleep(3600)
    return "never"
