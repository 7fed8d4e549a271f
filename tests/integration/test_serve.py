"""`aisle serve`: starting, keys, configuration, what it refuses, and ending."""
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest

from wire import PROGRAM, ask


@contextlib.contextmanager
def serve(folder, *words, expect=0, **environment):
    """Runs `aisle serve` in a folder on a free port; gives the process with its url, lines on standard output, and what
    server.json says."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AISLE_", "AWS_"))}
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--ready-file", ready, *map(str, words)],
                               cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=inherited | environment)
    try:
        for _ in range(3000):
            if ready.exists() or process.poll() is not None:
                break
            time.sleep(0.01)
        assert ready.exists(), process.stderr.read()
        process.url = ready.read_text().strip()
        process.address = ("127.0.0.1", int(process.url.rsplit(":", 1)[1]))
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.out, process.err = process.communicate(timeout=60)
    assert process.returncode == expect, process.err


def test_the_first_start_makes_a_key_and_tells_it_once(tmp_path):
    with serve(tmp_path) as server:
        note = tmp_path / "aisle-data" / "server.json"
        assert note.stat().st_mode & 0o777 == 0o600
        first = json.loads(note.read_text())
        assert (first["url"], first["pid"]) == (server.url, server.pid)
        assert ask(server.address, "GET", "/healthz").body == b"ok\n"
        assert ask(server.address, "GET", "/readyz").body == b"ready\n"
    told = server.out.splitlines()
    assert first["access_key_id"] in told[0] and first["secret_access_key"] in told[0]
    assert told[1] == f"listening on {server.url}, data in ./aisle-data"
    assert not note.exists()
    with serve(tmp_path) as server:
        again = json.loads(note.read_text())
        assert again["access_key_id"] == first["access_key_id"]
        assert again["secret_access_key"] == first["secret_access_key"]
    assert server.out == f"listening on {server.url}, data in ./aisle-data\n"


def test_given_keys_are_taken(tmp_path):
    given = {"AISLE_ACCESS_KEY_ID": "AKGIVEN", "AISLE_SECRET_ACCESS_KEY": "a secret of my own"}
    note = tmp_path / "d" / "server.json"
    for secret in ("a secret of my own", "a secret of my own", "another one"):
        given["AISLE_SECRET_ACCESS_KEY"] = secret
        with serve(tmp_path, "--data", "d", **given) as server:
            assert json.loads(note.read_text())["secret_access_key"] == secret
        assert secret not in server.out
    (tmp_path / "aisle.yaml").write_text("data: d\naccess_key_id: AKFILE\nsecret_access_key: from the file\n"
                                         "buckets: [first, second]\n")
    with serve(tmp_path, "--config", "aisle.yaml") as server:
        assert json.loads(note.read_text())["access_key_id"] == "AKFILE"
    with serve(tmp_path, "--config", "aisle.yaml"):
        pass


def test_a_second_start_on_the_folder_is_refused(aisle, tmp_path):
    with serve(tmp_path) as server:
        refused = aisle("serve", "--listen", "127.0.0.1:0", expect=1)
        assert f"is in use by process {server.pid}" in refused.stderr
        assert ask(server.address, "GET", "/healthz").status == 200
        taken = aisle("serve", "--data", "other", "--listen", server.url.removeprefix("http://"), expect=1)
        assert "another process listens on" in taken.stderr


def test_what_is_refused(aisle, tmp_path):
    for words, expected in [
        (["--listen", "0.0.0.0:0"], "can be reached from other machines"),
        (["--listen", "[::]:0"], "can be reached from other machines"),
        (["--listen", "nowhere"], "is no address to listen on"),
        (["--listen", "127.0.0.1:99999"], "is no address to listen on"),
        (["--tls-key", "x"], "go together"),
        (["--config", "none.yaml"], "none.yaml"),
    ]:
        assert expected in aisle("serve", *words, expect=None).stderr, words
    (tmp_path / "aisle.yaml").write_text("listen: 127.0.0.1:0\nbukets: [a]\n")
    done = aisle("serve", "--config", "aisle.yaml", expect=2)
    assert "aisle.yaml, line 2, column 1: there is no key 'bukets' here; did you mean 'buckets'?" in done.stderr
    (tmp_path / "aisle.yaml").write_text("listen: 127.0.0.1:0\nbuckets: [Not_A_Bucket]\n")
    assert "Not_A_Bucket" in aisle("serve", "--config", "aisle.yaml", expect=1).stderr
    done = aisle("serve", "--listen", "127.0.0.1:0", AISLE_ACCESS_KEY_ID="x", expect=2)
    assert "go together" in done.stderr


def test_metrics_and_the_paths_beside_buckets(tmp_path):
    with serve(tmp_path) as server:
        assert ask(server.address, "GET", "/nosuchbucket/key").status in (403, 404)
        for _ in range(100):  # a request counts when it is over, which its client may hear a moment before
            shown = ask(server.address, "GET", "/metrics")
            if b"aisle_requests_total{" in shown.body:
                break
            time.sleep(0.05)
        assert shown.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert b'aisle_requests_total{operation=' in shown.body
        assert b"aisle_connections " in shown.body
        assert ask(server.address, "HEAD", "/healthz").status == 200
        assert ask(server.address, "PUT", "/healthz").status == 403


def test_tls(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    with serve(tmp_path, "--tls-certificate", "cert.pem", "--tls-key", "key.pem") as server:
        assert server.url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        assert urllib.request.urlopen(f"{server.url}/healthz", context=trust).read() == b"ok\n"
        assert json.loads((tmp_path / "aisle-data/server.json").read_text())["ca_file"] == str(tmp_path / "cert.pem")
        with socket.create_connection(server.address) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"ok" not in plain.recv(1000)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with socket.create_connection(server.address) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(raw)
    for certificate, key in [("key.pem", "key.pem"), ("cert.pem", "cert.pem"), ("none.pem", "key.pem")]:
        done = subprocess.run([PROGRAM, "serve", "--data", "t", "--listen", "127.0.0.1:0", "--tls-certificate", certificate,
                               "--tls-key", key], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "pem" in done.stderr


def test_every_signal_that_ends_it(tmp_path):
    for which in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        with serve(tmp_path) as server:
            server.send_signal(which)
            assert server.wait(timeout=60) == 0
    assert (tmp_path / "aisle-data/lock").read_text().split()[0] in ("clean", "listed")


def test_killed_and_started_again(tmp_path):
    with contextlib.suppress(AssertionError), serve(tmp_path) as server:
        server.kill()
        server.wait()
    with serve(tmp_path) as server:
        assert ask(server.address, "GET", "/readyz").status == 200


def test_watched_folders(tmp_path):
    (tmp_path / "drop/day1").mkdir(parents=True)
    (tmp_path / "aisle.yaml").write_text("watch:\n  - folder: drop\n    bucket: orders\n    prefix: raw/\n"
                                         "    settle_ms: 50\n    after: delete\n")
    with serve(tmp_path, "--config", "aisle.yaml") as server:
        (tmp_path / "drop/day1/a.csv").write_text("id\n1\n")
        for _ in range(1000):
            if not (tmp_path / "drop/day1/a.csv").exists():
                break
            time.sleep(0.02)
        note = json.loads((tmp_path / "aisle-data/server.json").read_text())
        listed = subprocess.run([PROGRAM, "cat", "s3://orders/raw/day1/a.csv"], cwd=tmp_path, capture_output=True,
                                text=True, env=os.environ | {
                                    "AWS_ACCESS_KEY_ID": note["access_key_id"],
                                    "AWS_SECRET_ACCESS_KEY": note["secret_access_key"],
                                    "AWS_ENDPOINT_URL": server.url})
        assert listed.stdout == "id\n1\n", listed.stderr
    (tmp_path / "aisle.yaml").write_text("watch:\n  - folder: nowhere\n    bucket: orders\n")
    done = subprocess.run([PROGRAM, "serve", "--listen", "127.0.0.1:0", "--config", "aisle.yaml"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "nowhere" in done.stderr


def test_small_and_quick(tmp_path):
    """Idle memory, and a start whose own part is short (the figure in milliseconds is measured by bench/run s3)."""
    with serve(tmp_path) as server:
        with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
            resident_kb = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        assert resident_kb < 20_000 or PROGRAM.parent.name != "build"  # sanitizers take more
