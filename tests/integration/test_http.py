"""The server loop over raw sockets, with the service of helpers/http_service.c."""
import contextlib
import hashlib
import os
import random
import socket
import struct
import threading

import pytest

from wire import Wire, ask, build_service, service

HOST = "Host: localhost\r\n"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("http") / "file"
    path.write_bytes(random.Random(1).randbytes(3_000_001))
    return path


@pytest.fixture(scope="module")
def server(file):
    build_service()
    with service(file) as address:
        yield address


def test_small_answers(server):
    for target in ("/quick", "/wait"):
        answer = ask(server, "GET", target)
        assert (answer.status, answer.body) == (200, b"hello\n")
        assert len(answer.headers["x-request-id"]) == 16
        assert answer.headers["x-empty"] == ""


def test_target_is_kept_as_it_came_and_decoded(server):
    text = ask(server, "GET", "/describe?a=1&b&c=%20x+y&d=a%2Bb&&=e&f=g=h").body.decode().splitlines()
    assert "raw_path=/describe" in text
    assert "raw_query=a=1&b&c=%20x+y&d=a%2Bb&&=e&f=g=h" in text
    assert [line for line in text if line.startswith("query ")] == [
        "query a=1", "query b=", "query c= x y", "query d=a+b", "query =e", "query f=g=h"]


@pytest.mark.parametrize("target", ["/bad%2", "/bad%", "/bad%zz", "/nul%00", "/quick?a=%", "/quick?%f=1", "/%ff"])
def test_broken_escapes(server, target):
    answer = ask(server, "GET", target)
    assert answer.status == 400 and answer.body.startswith(b"failed: ")


def test_unknown_path(server):
    assert ask(server, "GET", "/nothing").status == 404


def test_bodies_by_length_and_in_chunks(server):
    body = random.Random(2).randbytes(1_500_000)
    assert ask(server, "PUT", "/echo", body).body == body
    assert ask(server, "PUT", "/echo", b"").body == b""
    chunks, at, random_sizes = b"", 0, random.Random(3)
    while at < len(body):
        size = random_sizes.choice([1, 7, 4096, 70_000])
        piece = body[at:at + size]
        chunks += b"%x;name=value\r\n%s\r\n" % (len(piece), piece)
        at += size
    with Wire(server) as wire:
        wire.send(f"POST /echo HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n").send(chunks)
        wire.send("0\r\nTrailer: x\r\n\r\n")
        assert wire.answer().body == body
        wire.send(f"GET /quick HTTP/1.1\r\n{HOST}\r\n")
        assert wire.answer().body == b"hello\n"


def test_expect_continue(server):
    with Wire(server) as wire:
        wire.send(f"PUT /echo HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert wire.answer().status == 100
        assert wire.send("12345").answer().body == b"12345"
    with Wire(server) as wire:
        wire.send(f"PUT /refuse HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert wire.answer().status == 403
        assert wire.ended()


def test_failures_leave_the_connection_usable(server):
    with Wire(server) as wire:
        for target, status in [("/refuse", 403), ("/break?at=70000", 400), ("/fail", 409), ("/nothing", 404)]:
            wire.send(f"PUT {target} HTTP/1.1\r\n{HOST}Content-Length: 300000\r\n\r\n").send(b"x" * 300_000)
            assert wire.answer().status == status
        wire.send(f"GET /quick HTTP/1.1\r\n{HOST}\r\n")
        assert wire.answer().status == 200


def test_head_has_the_length_and_no_body(server, file):
    with Wire(server) as wire:
        for target, length in [("/quick", 6), ("/file", file.stat().st_size), ("/zeros?size=123456789012", 123456789012)]:
            wire.send(f"HEAD {target} HTTP/1.1\r\n{HOST}\r\n")
            assert wire.answer(head_only=True).headers["content-length"] == str(length)


def test_files_streams_and_memory(server, file):
    whole = file.read_bytes()
    assert ask(server, "GET", "/file").body == whole
    assert ask(server, "GET", "/file?from=1000001&size=999999").body == whole[1_000_001:2_000_000]
    assert ask(server, "GET", "/zeros?size=1000000").body == bytes(1_000_000)
    assert ask(server, "GET", "/zeros?size=0").body == b""
    assert ask(server, "GET", "/big?size=5000000").body == bytes(5_000_000)
    pieces = b"".join(b"piece %d\n" % n for n in range(4, -1, -1))
    assert ask(server, "GET", "/pieces?n=5").body == pieces
    assert ask(server, "GET", "/later?n=5").body == pieces


def test_pipelining(server):
    with Wire(server) as wire:
        wire.send("".join(f"PUT /echo HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\n{n:02}" for n in range(50)))
        assert [wire.answer().body for _ in range(50)] == [b"%02d" % n for n in range(50)]


def test_http_1_0(server):
    with Wire(server) as wire:
        answer = wire.send("GET /quick HTTP/1.0\r\n\r\n").answer()
        assert answer.body == b"hello\n" and wire.ended()
    with Wire(server) as wire:
        answer = wire.send("GET /pieces HTTP/1.0\r\n\r\n").answer()
        assert answer.body == b"piece 2\npiece 1\npiece 0\n" and "transfer-encoding" not in answer.headers


REFUSED = {
    "two lengths": "PUT /echo HTTP/1.1\r\n{host}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "length and chunks": "PUT /echo HTTP/1.1\r\n{host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two codings": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "list of codings": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "space before colon": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "tab before colon": "PUT /echo HTTP/1.1\r\n{host}Content-Length\t: 3\r\n\r\nabc",
    "negative length": "PUT /echo HTTP/1.1\r\n{host}Content-Length: -3\r\n\r\nabc",
    "signed length": "PUT /echo HTTP/1.1\r\n{host}Content-Length: +3\r\n\r\nabc",
    "list of lengths": "PUT /echo HTTP/1.1\r\n{host}Content-Length: 3, 3\r\n\r\nabc",
    "hexadecimal length": "PUT /echo HTTP/1.1\r\n{host}Content-Length: 0x3\r\n\r\nabc",
    "huge length": "PUT /echo HTTP/1.1\r\n{host}Content-Length: 99999999999999999999999\r\n\r\nabc",
    "no host": "GET /quick HTTP/1.1\r\n\r\n",
    "two hosts": "GET /quick HTTP/1.1\r\n{host}Host: other\r\n\r\n",
    "no colon": "GET /quick HTTP/1.1\r\n{host}broken\r\n\r\n",
    "empty name": "GET /quick HTTP/1.1\r\n{host}: x\r\n\r\n",
    "name with a control": "GET /quick HTTP/1.1\r\n{host}X\x01: x\r\n\r\n",
    "value with a control": "GET /quick HTTP/1.1\r\n{host}X: \x02\r\n\r\n",
    "absolute form without a path": "GET http://localhost HTTP/1.1\r\n{host}\r\n",
    "relative target": "GET quick HTTP/1.1\r\n{host}\r\n",
    "space in the target": "GET /qu ick HTTP/1.1\r\n{host}\r\n",
    "no version": "GET /quick\r\n{host}\r\n",
    "other version": "GET /quick HTTP/3.7\r\n{host}\r\n",
    "other protocol": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "TLS hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
    "broken chunk size": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "negative chunk size": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
    "chunk too long": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "huge chunk": "PUT /echo HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
    "NUL in a value": "GET /quick HTTP/1.1\r\n{host}X: a\x00b\r\n\r\n",
    "NUL in a name": "GET /quick HTTP/1.1\r\n{host}X\x00Y: b\r\n\r\n",
    "NUL in the target": "GET /quick\x00?a HTTP/1.1\r\n{host}\r\n",
    "folded field": "GET /quick HTTP/1.1\r\n{host}X: a\r\n b\r\n\r\n",
    "bare line feed": "GET /quick HTTP/1.1\n{host}X: a\n\n",
    "one bare line feed": "GET /quick HTTP/1.1\r\n{host}X: a\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_readers_may_understand_differently_is_refused(server, name):
    """An error, then the end: what follows is not taken for a request."""
    with Wire(server) as wire:
        wire.send(REFUSED[name].replace("{host}", HOST).encode("latin-1"))
        with contextlib.suppress(OSError):
            wire.send(f"GET /quick HTTP/1.1\r\n{HOST}X-Smuggled: 1\r\n\r\n" * 2)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while more := wire.socket.recv(65536):
                got += more
        assert got == b"" or int(got.split(b" ", 2)[1]) in (400, 413, 501, 505), got
        assert b"hello" not in got


def test_too_large_a_head(server):
    with Wire(server) as wire:
        assert wire.send(f"GET /{'a' * 40_000} HTTP/1.1\r\n{HOST}\r\n").answer().status == 414
    with Wire(server) as wire:
        assert wire.send(f"GET /quick HTTP/1.1\r\n{HOST}X: {'a' * 40_000}\r\n\r\n").answer().status == 431
    with Wire(server) as wire:
        answer = wire.send(f"GET /quick HTTP/1.1\r\n{HOST}" + "".join(f"X{n}: a\r\n" for n in range(300)) + "\r\n").answer()
        assert answer.status in (413, 431)
    answer = ask(server, "GET", "/describe?" + "a=" + "b" * 9000, headers=[f"X-{n}: {'v' * 80}" for n in range(60)])
    assert answer.status == 200 and answer.body.count(b"header X-") == 60


def test_half_closed_and_broken_off(server):
    with Wire(server) as wire:
        wire.send(f"PUT /echo HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\nabc")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.answer().body == b"abc"
    chances = random.Random(4)
    whole = f"PUT /count HTTP/1.1\r\n{HOST}Content-Length: 100000\r\n\r\n".encode() + bytes(100_000)
    for _ in range(60):
        wire = Wire(server)
        wire.send(whole[:chances.randrange(len(whole))])
        if chances.random() < 0.5:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()
    for target in ("/zeros?size=100000000", "/file", "/slow?ms=50", "/later?n=1000000"):
        for _ in range(5):
            with Wire(server) as wire:
                wire.send(f"GET {target} HTTP/1.1\r\n{HOST}\r\n")
    for _ in range(200):
        if ask(server, "GET", "/open").body == b"0\n":
            break
        threading.Event().wait(0.05)
    assert ask(server, "GET", "/open").body == b"0\n"


def test_many_clients_at_once(server):
    wrong = []

    def work(seed):
        chances = random.Random(seed)
        with Wire(server) as wire:
            for _ in range(60):
                body = chances.randbytes(chances.choice([0, 1, 1000, 40_000]))
                target = chances.choice(["/echo", "/count", "/wait", "/quick", "/fail", "/big?size=100000"])
                answer = wire.send(f"PUT {target} HTTP/1.1\r\n{HOST}Content-Length: {len(body)}\r\n\r\n".encode() +
                                   body).answer()
                if target == "/echo" and answer.body != body:
                    wrong.append((seed, len(body)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_slow_clients_hold_nobody_up(server):
    """100 connections that dribble, and one that gets its answers."""
    slow = [Wire(server).send("PUT /echo HTTP/1.1\r\nHost: lo") for _ in range(50)]
    slow += [Wire(server).send(f"PUT /count HTTP/1.1\r\n{HOST}Content-Length: 1000\r\n\r\nx") for _ in range(50)]
    assert ask(server, "GET", "/wait").status == 200
    for wire in slow[50:]:
        wire.send(b"x" * 999)
    assert all(wire.answer().body.startswith(b"1000 ") for wire in slow[50:])
    for wire in slow:
        wire.close()


def test_slow_heads_and_idle_connections_end():
    build_service()
    with service(IDLE_SECONDS="1") as address, Wire(address) as idle, Wire(address) as dribbling:
        idle.send(f"GET /quick HTTP/1.1\r\n{HOST}\r\n")
        assert idle.answer().status == 200
        ended = threading.Event()

        def dribble():
            try:
                for byte in f"GET /quick HTTP/1.1\r\n{HOST}X: {'a' * 10_000}":
                    dribbling.send(byte)
                    if ended.wait(0.1):
                        return
            except OSError:
                pass

        thread = threading.Thread(target=dribble)
        thread.start()
        assert dribbling.ended() and idle.ended()
        ended.set()
        thread.join()


def test_connections_past_the_limit_wait():
    build_service()
    with service(MOST_CONNECTIONS="8") as address:
        held = [Wire(address).send(f"GET /quick HTTP/1.1\r\n{HOST}\r\n") for _ in range(4)]
        assert all(wire.answer().status == 200 for wire in held)
        waiting = [Wire(address).send(f"GET /quick HTTP/1.1\r\n{HOST}\r\n") for _ in range(20)]
        for wire in held:
            wire.close()
        for wire in waiting:
            assert wire.answer().status == 200
            wire.close()


def test_stopping_lets_requests_finish():
    build_service()
    with service() as address:
        wires = [Wire(address).send(f"PUT /slow?ms=700 HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n") for _ in range(10)]
        streams = [Wire(address).send(f"GET /later?n=1000000 HTTP/1.1\r\n{HOST}\r\n") for _ in range(3)]
        assert all(wire.stream.peek(1) for wire in streams)
        threading.Event().wait(0.2)
        address.process.stdin.close()
        for wire in wires:
            assert wire.answer().body == b"hello\n"
        for wire in streams:
            assert wire.stream.read()
        assert address.process.wait(timeout=60) == 0


def test_request_log(server):
    import json
    with service(AISLE_LOG="info") as address:
        ask(address, "PUT", "/echo?x=1", b"12345")
        ask(address, "GET", "/refuse")
    lines = [json.loads(line) for line in address.log if '"request"' in line]
    first = next(line for line in lines if line["path"] == "/echo")
    assert (first["operation"], first["status"], first["bytes_in"], first["bytes_out"]) == ("Test", 200, 5, 5)
    assert first["client"] == "127.0.0.1" and first["complete"] and len(first["request_id"]) == 16
    refused = next(line for line in lines if line["path"] == "/refuse")
    assert (refused["status"], refused["error"]) == (403, "denied")


def test_memory_is_constant(server):
    """A body and an answer of 200 MB each."""
    def resident():
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    before = resident()
    digest = hashlib.sha256()
    with Wire(server) as wire:
        wire.send(f"PUT /count HTTP/1.1\r\n{HOST}Content-Length: 200000000\r\n\r\n")
        for _ in range(200):
            wire.send(bytes(1_000_000))
        assert wire.answer().body.startswith(b"200000000 ")
        wire.send(f"GET /zeros?size=200000000 HTTP/1.1\r\n{HOST}\r\n")
        while wire.stream.readline() != b"\r\n":
            pass
        for _ in range(200):
            digest.update(wire.stream.read(1_000_000))
    assert digest.digest() == hashlib.sha256(bytes(200_000_000)).digest()
    assert resident() - before < 10_000 or "debug" in os.environ.get("AISLE", "")
