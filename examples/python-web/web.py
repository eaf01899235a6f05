"""A web application in Python: what it needs from its surroundings comes in variables."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers(BaseHTTPRequestHandler):
    """`/health` says which version this is; everything else is the page."""

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer("application/json", json.dumps({"version": os.environ["RELEASE_VERSION"]}))
        else:
            self.answer("text/plain", "Hello from Python\n")

    def answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Answers).serve_forever()
