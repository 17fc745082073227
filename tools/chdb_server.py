#!/usr/bin/env python3
"""ClickHouse's HTTP interface in front of chdb, for tests: a modern ClickHouse in one process, on loopback.

    tools/chdb_server.py [FOLDER]      prints "ready PORT", serves until its standard input ends

A POST holds a statement, or the address holds it (?query=) and the body an INSERT's RowBinary. Answers: 200 and the
bytes in the format asked for (default_format), or 500 and the exception's text.
"""

import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from chdb import session


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        sql = asked["query"][0] if "query" in asked else body.decode("utf-8", "surrogateescape")
        try:
            if "query" in asked:
                self.answer(200, self.server.insert(sql, body))
            else:
                format = asked.get("default_format", ["TabSeparated"])[0]
                self.answer(200, self.server.session.query(sql, format).bytes())
        except Exception as e:  # chdb raises what ClickHouse says
            self.answer(500, str(e).encode("utf-8", "replace"))


class Server(HTTPServer):
    def __init__(self, folder: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.session = session.Session(folder)
        self.folder = folder

    def insert(self, sql: str, rows: bytes) -> bytes:
        table = re.fullmatch(r"INSERT INTO (\S+) FORMAT RowBinary", sql).group(1)
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".bin") as f:
            f.write(rows)
            f.flush()
            plain = table.replace("`", "")
            names = "SELECT name, type FROM system.columns "
            names += f"WHERE concat(database, '.', table) = '{plain}'"
            lines = self.session.query(names + " ORDER BY position", "TabSeparatedRaw").bytes()
            shape = ", ".join(
                f"`{n}` {t}" for n, t in (x.split("\t") for x in lines.decode().splitlines())
            )
            shape = shape.replace("'", "\\'")
            self.session.query(
                f"INSERT INTO {table} SELECT * FROM file('{f.name}', 'RowBinary', '{shape}')"
            )
        return b""


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="chdb-")
    Path(folder).mkdir(parents=True, exist_ok=True)
    server = Server(folder)
    print("ready", server.server_address[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
