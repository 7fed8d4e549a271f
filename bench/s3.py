"""Aisle's S3 beside versitygw and MinIO: the same light client (bench/s3_load.c), one server after the other, each with an
empty data folder on the same disk."""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

PEERS = {
    "versitygw": "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
    "minio": "github.com/minio/minio@latest",
}
# What each does before it answers a PUT, seen with strace (docs/performance.md).
SYNCS = {
    "aisle": "body, index row and event are synced before the answer, many requests in one sync",
    "versitygw": "nothing is synced",
    "minio": "each object's file is opened with O_DSYNC, large bodies get an fdatasync; folders' entries are not synced",
}
KEY, SECRET = "benchmarkaccesskey01", "benchmarksecretkeybenchmarksecretkey0001"
SMALL, LARGE = 1024, 1 << 30
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "64"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
KEYS = int(os.environ.get("BENCH_KEYS", "20000"))
REPEAT = int(os.environ.get("BENCH_REPEAT", "3"))


class Failed(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_peer(name, work):
    """The peer's program: $BENCH_GOBIN, else installed once into build/bench/go. None and why when it is not to be had."""
    given = os.environ.get("BENCH_GOBIN")
    if given and (Path(given) / name).exists():
        return Path(given) / name, ""
    program = work / "go" / "bin" / name
    if program.exists():
        return program, ""
    if shutil.which("go") is None:
        return None, "Go is not installed"
    done = subprocess.run(["go", "install", PEERS[name]], env=os.environ | {"GOPATH": str(work / "go")}, capture_output=True,
                          text=True)
    return (program, "") if done.returncode == 0 else (None, done.stderr.strip().splitlines()[-1])


class Server:
    """One of the three, running on an empty folder."""

    def __init__(self, name, program, folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.name, self.address = name, f"127.0.0.1:{free_port()}"
        secrets = {"AISLE_ACCESS_KEY_ID": KEY, "AISLE_SECRET_ACCESS_KEY": SECRET, "ROOT_ACCESS_KEY": KEY,
                   "ROOT_ACCESS_KEY_ID": KEY, "ROOT_SECRET_KEY": SECRET, "ROOT_SECRET_ACCESS_KEY": SECRET,
                   "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET}
        command = {
            "aisle": [program, "serve", "--data", folder, "--listen", self.address],
            "versitygw": [program, "--port", self.address, "--keep-alive", "--quiet", "posix", folder],
            "minio": [program, "server", "--address", self.address, "--quiet", folder],
        }[name]
        self.log = open(folder.with_suffix(".log"), "wb")
        began = time.monotonic()
        self.process = subprocess.Popen([str(word) for word in command], env=os.environ | secrets, stdout=self.log,
                                        stderr=self.log)
        self.wait(began)
        self.idle_mb = self.memory("VmRSS")

    def wait(self, began):
        while time.monotonic() - began < 60:
            try:
                urllib.request.urlopen(f"http://{self.address}/", timeout=5)
            except urllib.error.HTTPError:
                self.start_ms = (time.monotonic() - began) * 1000
                return
            except OSError:
                time.sleep(0.002)
                if self.process.poll() is not None:
                    break
        self.stop()
        raise Failed(f"{self.name} did not start: see {self.log.name}")

    def memory(self, field):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        return 0

    def processor_seconds(self):
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def load(client, server, operation, connections=CONNECTIONS, seconds=SECONDS, keys=KEYS, size=SMALL):
    environment = os.environ | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
    before = server.processor_seconds()
    done = subprocess.run([client, server.address, "benchmark", operation, str(connections), str(seconds), str(keys),
                           str(size)], env=environment, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise Failed(f"{server.name}, {operation}: {done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    result["server_seconds"] = server.processor_seconds() - before
    return result


def measure(name, program, client, work):
    """All measurements of one server."""
    found = {}
    with Server(name, program, work / "s3" / name) as server:
        found["start_ms"], found["idle_mb"] = server.start_ms, server.idle_mb
        load(client, server, "make", 1, 1, 1, 0)
        load(client, server, "fill")
        for operation in ("get", "list", "put"):
            result = load(client, server, operation)
            count = result["keys"] if operation == "list" else result["requests"]
            found[operation] = count / result["seconds"]
            found[f"{operation}_ms"] = result["median_ms"], result["p99_ms"]
            found[f"{operation}_server_us"] = result["server_seconds"] / result["requests"] * 1e6
        found["small_mb"] = server.memory("VmHWM")
        for operation in ("up", "down"):
            result = load(client, server, operation, 1, 1, 1, LARGE)
            found[operation] = LARGE / result["seconds"] / 1e6
        found["peak_mb"] = server.memory("VmHWM")
    shutil.rmtree(work / "s3" / name, ignore_errors=True)
    return found


def middle(runs):
    return {key: tuple(map(statistics.median, zip(*[run[key] for run in runs]))) if isinstance(runs[0][key], tuple)
            else statistics.median(run[key] for run in runs) for key in runs[0]}


ROWS = [("put", "durable PUT of 1 KiB, a second", "{:,.0f}"), ("get", "GET of 1 KiB, a second", "{:,.0f}"),
        ("list", "keys listed, a second", "{:,.0f}"), ("up", "PUT of 1 GiB, MB/s", "{:,.0f}"),
        ("down", "GET of 1 GiB, MB/s", "{:,.0f}")]
COSTS = [("put_server_us", "processor time of the server for a PUT, µs", "{:,.0f}"),
         ("get_server_us", "for a GET, µs", "{:,.0f}"), ("start_ms", "from start to first answer, ms", "{:,.0f}"),
         ("idle_mb", "memory when idle, MB", "{:,.0f}"), ("small_mb", "most with small objects, MB", "{:,.0f}"),
         ("peak_mb", "most with 1 GiB objects, MB", "{:,.0f}")]


def run(aisle, work, say, note):
    """The whole comparison; gives all results."""
    top = Path(__file__).resolve().parent.parent
    subprocess.run(["ninja", "-C", str(top / "build"), "bench/s3_load"], check=True, capture_output=True)
    client = str(top / "build" / "bench" / "s3_load")
    programs = {"aisle": Path(aisle)}
    for name in PEERS:
        program, why = find_peer(name, work)
        if program is None:
            say(f"{name} is left out: {why}.\n")
        else:
            programs[name] = program
    runs = {name: [] for name in programs}
    for turn in range(REPEAT):
        for name, program in programs.items():
            note(f"run {turn + 1} of {REPEAT}: {name}")
            runs[name].append(measure(name, program, client, work))
    results = {name: middle(of_one) for name, of_one in runs.items()}
    show(results, say)
    return {"runs": runs, "medians": results}


def show(results, say):
    peers = [name for name in results if name != "aisle"]
    say(f"### S3\n\n{CONNECTIONS} connections of one light client, {KEYS:,} keys, {SECONDS} s each, median of {REPEAT}.\n")
    say("| what | " + " | ".join(results) + " | times the better peer |")
    say("| --- |" + " ---: |" * (len(results) + 1))
    for key, title, form in ROWS:
        cells = [form.format(result[key]) for result in results.values()]
        ratio = f"{results['aisle'][key] / max(results[name][key] for name in peers):.1f}" if peers else "–"
        say(f"| {title} | " + " | ".join(cells) + f" | {ratio} |")
    for key in ("put", "get", "list"):
        cells = ["{:.1f} / {:.1f}".format(*result[f"{key}_ms"]) for result in results.values()]
        say(f"| {key}: median / 99th percentile, ms | " + " | ".join(cells) + " | |")
    for key, title, form in COSTS:
        say(f"| {title} | " + " | ".join(form.format(result[key]) for result in results.values()) + " | |")
    say("")
    for name in results:
        say(f"- {name}: {SYNCS[name]}.")
    say("")
