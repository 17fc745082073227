async def main(req) -> str:
    return "works"
