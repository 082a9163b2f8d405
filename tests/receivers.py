"""What stands outside and takes what leaves: an HTTP receiver and an SMTP sink, as threads or processes.

As a process: `python -m tests.receivers http PORT LOG` or `… smtp PORT LOG [hang]`; each writes a line of
JSON for each message. The HTTP receiver answers by its path: /ok, /status/503, /redirect, /hang, /drip,
/flood. The SMTP sink with `hang` takes every second connection and says nothing.
"""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

Keep = Callable[[dict[str, Any]], None]


def http_server(port: int, keep: Keep) -> ThreadingHTTPServer:
    """A receiver on this machine; port 0 takes a free one."""

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # who died while sending has sent nothing
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            keep({"path": self.path, "headers": headers, "body": body.decode("utf-8", "replace")})
            what, _, value = self.path.lstrip("/").partition("?")[0].partition("/")
            getattr(self, f"answer_{what}", self.answer_ok)(value)

        do_GET = do_POST  # noqa: N815

        def answer_ok(self, _value: str) -> None:
            self.answer(200, b'{"errcode":0,"code":0}')

        def answer_status(self, value: str) -> None:
            self.answer(int(value), b"{}")

        def answer_says(self, value: str) -> None:
            self.answer(200, b'{"errcode":%s,"code":%s,"errmsg":"no"}' % ((value.encode(),) * 2))

        def answer_redirect(self, _value: str) -> None:
            self.send_response(302)
            self.send_header("Location", "/ok?redirected")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def answer_hang(self, _value: str) -> None:
            time.sleep(30)

        def answer_drip(self, _value: str) -> None:
            try:
                for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 300:
                    self.wfile.write(bytes([letter]))
                    time.sleep(0.1)
            except OSError:
                return

        def answer_flood(self, _value: str) -> None:
            try:
                self.send_response(200)
                self.end_headers()
                for _ in range(10_000):
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            return  # whoever left may leave

    return Server(("127.0.0.1", port), Receiver)


def smtp_server(port: int, keep: Keep, *, hang: bool = False) -> socketserver.ThreadingTCPServer:
    """A mail server that takes everything; with `hang` every second connection is never answered."""
    numbers = count(1)

    class Sink(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if hang and next(numbers) % 2 == 0:
                keep({"hung": True})
                time.sleep(600)
                return
            self.say("220 sink")
            to: list[str] = []
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self.say("354 go on")
                    message = self.read(to)
                    if message is None:
                        return
                    keep(message)
                    to = []
                elif word == b"QUIT":
                    self.say("221 bye")
                    return
                elif word == b"RCPT":
                    to.append(line.decode().partition("<")[2].partition(">")[0])
                self.say("250 ok")

        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

        def read(self, to: list[str]) -> dict[str, Any] | None:
            """A message to its end; None where its sender died before: no server takes half of one."""
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                if not line:
                    return None
                lines.append(line.removeprefix(b"."))
            message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            return {"to": to, "key": str(message["X-Dayzero-Key"] or ""), "subject": str(message["Subject"])}

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

    return Server(("127.0.0.1", port), Sink)


@contextmanager
def serving(server: Any) -> Iterator[int]:
    """Let a server answer while the block lasts; gives its port."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def main(kind: str, port: str, log: str, *rest: str) -> None:
    """Serve as a process until somebody ends it, writing each message to a file."""
    lock = threading.Lock()
    with Path(log).open("a", encoding="utf-8") as out:

        def keep(message: dict[str, Any]) -> None:
            with lock:
                out.write(json.dumps({"at": time.time(), **message}) + "\n")
                out.flush()

        server = (
            http_server(int(port), keep)
            if kind == "http"
            else smtp_server(int(port), keep, hang="hang" in rest)
        )
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
