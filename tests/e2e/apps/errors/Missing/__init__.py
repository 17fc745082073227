import a_module_that_nobody_installed


def main(req) -> str:
    return ""
