"""Servers under test, and HTTP by hand."""
import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("AISLE", TOP / "build/aisle")).resolve()
SERVICE = PROGRAM.parent / "tests/http-service"


def build_service():
    """The helper is not built with the program alone."""
    subprocess.run(["ninja", "-C", PROGRAM.parent, "tests/http-service"], check=True, capture_output=True)


@contextlib.contextmanager
def service(*arguments, listen="127.0.0.1:0", expect=0, **environment):
    """Runs tests/integration/helpers/http_service.c and gives its host and port. At the end it must have ended every
    request that it began."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AISLE_")}
    process = subprocess.Popen([SERVICE, listen, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=inherited | environment)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stderr), daemon=True)
    reader.start()
    url = process.stdout.readline().strip()
    try:
        found = re.fullmatch(r"https?://\[?(.*?)\]?:(\d+)", url)
        assert found, f"no URL but {url!r}: {''.join(lines)}"
        address = Address(found[1], int(found[2]))
        address.process, address.log = process, lines
        yield address
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        status = process.wait(timeout=60)
        reader.join()
        process.stdout.close()
        process.stderr.close()
    assert status == expect, f"the server ended with {status}: {''.join(lines)}"


class Address(tuple):
    """(host, port) with what is known of the server there."""

    def __new__(cls, host, port):
        return super().__new__(cls, (host, port))


class Answer:
    """An answer, taken apart strictly."""

    def __init__(self, stream, head_only=False):
        first = stream.readline()
        if not first:
            raise ConnectionError("the connection ended without an answer")
        version, status, self.reason = first.decode().rstrip("\r\n").split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), first
        self.status, self.headers, self.body = int(status), {}, b""
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, value = line.decode().rstrip("\r\n").split(":", 1)
            self.headers[name.lower()] = value.strip()
        if head_only or self.status in (100, 204, 304):
            return
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(stream.readline(), 16):
                self.body += stream.read(size)
                assert stream.readline() == b"\r\n"
            assert stream.readline() == b"\r\n"
        elif "content-length" in self.headers:
            self.body = stream.read(int(self.headers["content-length"]))
            assert len(self.body) == int(self.headers["content-length"]), "the answer was cut off"
        else:
            self.body = stream.read()


class Wire:
    """One connection on which bytes are sent as they are."""

    def __init__(self, address, tls=None, timeout_s=30):
        self.socket = socket.create_connection(address, timeout=timeout_s)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.stream = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def answer(self, head_only=False):
        return Answer(self.stream, head_only)

    def ended(self):
        """Whether the server has ended the connection, which is waited for."""
        try:
            return self.stream.read(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask(address, method, target, body=b"", headers=(), **more):
    """One request on a connection of its own."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body or method in ("PUT", "POST"):
        lines.append(f"Content-Length: {len(body)}")
    with Wire(address, **more) as wire:
        return wire.send("\r\n".join([*lines, "", ""]).encode() + body).answer(head_only=method == "HEAD")


def stop(process):
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=60)
