import sys


def main(req) -> str:
    sys.exit("told to leave")
