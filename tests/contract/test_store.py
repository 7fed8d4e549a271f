"""One suite over every implementation of the object store: the data folder itself, the client against `aisle serve`,
and the client against a server that others wrote: versitygw where it is there or Go can build it, else moto."""
import os
import shutil
import subprocess

from conftest import PROGRAM, TOP
from servers import KEY_ID, SECRET, answers, clean_environment, free_port, moto, running, serving, wait_until

CONTRACT = PROGRAM.parent / "tests/store-contract"
VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"


def run_contract(*words, **more):
    done = subprocess.run([CONTRACT, *words], env=clean_environment(**more), capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 0 and "[  PASSED  ]" in done.stdout + done.stderr, done.stdout + done.stderr


def run_against(url, **more):
    run_contract("remote", AWS_ENDPOINT_URL=url, AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET, **more)


def test_the_data_folder_itself(tmp_path):
    run_contract("local", str(tmp_path / "data"))


def test_the_client_against_this_server(tmp_path):
    with serving(PROGRAM, tmp_path / "data", tmp_path / "ready") as url:
        run_against(url)


def test_the_client_against_this_server_over_tls(tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out",
                    certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                   capture_output=True)
    with serving(PROGRAM, tmp_path / "data", tmp_path / "ready", "--tls-certificate", certificate, "--tls-key",
                 key) as url:
        assert url.startswith("https://")
        run_against(url, AWS_CA_BUNDLE=str(certificate))


def find_versitygw():
    """A versitygw of this machine, or one that Go builds."""
    named = os.environ.get("VERSITYGW") or shutil.which("versitygw")
    built = TOP / "build/go/versitygw"
    if named or built.is_file() or not shutil.which("go"):
        return named or (built if built.is_file() else None)
    try:
        subprocess.run(["go", "install", VERSITYGW], env=os.environ | {"GOBIN": str(built.parent)}, timeout=420,
                       capture_output=True, check=True)
    except (subprocess.SubprocessError, OSError):
        return None
    return built


def test_the_client_against_another_server(tmp_path, record_property):
    program = find_versitygw()
    record_property("server", "versitygw" if program else "moto")
    print("the other server is", "versitygw" if program else "moto")
    if not program:
        with moto() as url:
            run_against(url, CONTRACT_KEYS="plain", CONTRACT_ANY_SIGNATURE="1")
        return
    url = f"http://127.0.0.1:{free_port()}"
    for folder in ("files", "versions"):
        (tmp_path / folder).mkdir()
    command = [program, "--port", url.removeprefix("http://"), "--quiet", "posix", "--versioning-dir",
               tmp_path / "versions", tmp_path / "files"]
    with running(command, ROOT_ACCESS_KEY=KEY_ID, ROOT_SECRET_KEY=SECRET) as process:
        wait_until(lambda: answers(url), process, "versitygw")
        run_against(url, CONTRACT_KEYS="plain")
