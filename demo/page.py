"""A page on this machine, for functions to load. As a program: prints its address, then serves until it is stopped."""

import http.server

PAGE = b"<!doctype html><title>A page</title>" + b"<p>Which line ate the memory?</p>" * 250_000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format, *args):
        pass


def listen():
    """A server on a free port, and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    return server, f"http://127.0.0.1:{server.server_port}/"


if __name__ == "__main__":
    server, url = listen()
    print(url, flush=True)
    server.serve_forever()
