"""Servers that tests talk to, each on a free port of 127.0.0.1 and ended by its process."""
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

KEY_ID, SECRET = "testkeyid", "test-secret-key-0123456789abcdefghijklmn"


def clean_environment(**more):
    """Without what would lead a client elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AISLE_", "AWS_"))}
    return kept | {"HOME": "/nonexistent", "LC_ALL": "C.UTF-8"} | more


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait_until(ready, process, what):
    for _ in range(600):
        if ready():
            return
        assert process.poll() is None, f"{what} ended with status {process.returncode}"
        time.sleep(0.1)
    raise AssertionError(f"{what} does not get ready")


@contextmanager
def running(command, **environment):
    process = subprocess.Popen([str(word) for word in command], env=clean_environment(**environment),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def moto():
    """An S3 server that others wrote, in memory; it takes any signature."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rpartition(":")[2]]
    with running(command) as process:
        wait_until(lambda: answers(url), process, "moto")
        yield url


@contextmanager
def serving(program, data, ready, *more):
    """`aisle serve` over a data folder; `ready` is where it tells its URL."""
    command = [program, "serve", "--data", data, "--listen", "127.0.0.1:0", "--ready-file", ready, *more]
    ready.unlink(missing_ok=True)
    with running(command, AISLE_ACCESS_KEY_ID=KEY_ID, AISLE_SECRET_ACCESS_KEY=SECRET) as process:
        wait_until(lambda: ready.is_file() and ready.read_text().strip(), process, "aisle serve")
        yield ready.read_text().strip()
    assert process.returncode == 0
