"""--useHttps: a certificate of its own making, a PFX or a PEM file, and what is wrong with them."""

import os
import re
import ssl
import subprocess
import urllib.request
from pathlib import Path
from typing import List

import pytest
from funchost import Host, environment, write_app

needs_library = pytest.importorskip("azure.functions", reason="azure-functions is not installed")

APP = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="echo")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), headers={"X-Url": req.url})
"""


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cert.pem, key.pem, both.pem, cert.pfx (password: geheim &"$x), password.txt."""
    folder = tmp_path_factory.mktemp("certificate")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert),
    )
    (folder / "password.txt").write_text(PASSWORD + "\n")
    openssl(
        *("pkcs12", "-export", "-in", cert, "-inkey", key, "-out", str(folder / "cert.pfx")),
        *("-passout", "pass:" + PASSWORD),
    )
    (folder / "both.pem").write_text(Path(cert).read_text() + Path(key).read_text())
    return folder


PASSWORD = 'geheim &"$x'


def trusting(certificate: Path) -> ssl.SSLContext:
    """Checks the chain and the name, and knows this certificate alone."""
    context = ssl.create_default_context(cafile=str(certificate))
    assert context.check_hostname
    return context


def echo(host: Host, context: ssl.SSLContext, name: str, data: bytes) -> bytes:
    request = urllib.request.Request(f"https://{name}:{host.port}/api/echo", data)
    with urllib.request.urlopen(request, context=context, timeout=60) as answer:
        assert answer.headers["X-Url"].startswith("https://")
        return bytes(answer.read())


def test_a_certificate_of_its_own(program: str, tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    data = os.urandom(3 << 20)
    with Host(program, root, "--useHttps") as host:
        host.line("Generating a self signed certificate using openssl")
        assert host.scheme == "https"
        host.line(rf"echo:  https://localhost:{host.port}/api/echo")
        (made,) = (tmp_path / "home" / "state").rglob("localhost.crt")
        assert made.with_suffix(".key").stat().st_mode & 0o77 == 0
        first = made.read_bytes()
        for name in ("localhost", "127.0.0.1"):
            assert echo(host, trusting(made), name, data) == data
        for old in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(made)
            context.minimum_version = context.maximum_version = old
            assert echo(host, context, "localhost", b"x") == b"x"
    with Host(program, root, "--useHttps") as host:  # the same again
        assert "Generating" not in host.text()
        assert made.read_bytes() == first
        assert echo(host, trusting(made), "localhost", b"x") == b"x"


@pytest.mark.parametrize(
    "words",
    [
        ["--cert", "cert.pfx", "--password", PASSWORD],
        ["--cert", "cert.pfx", "--password", "password.txt"],
        ["--cert", "both.pem"],
    ],
    ids=["pfx", "pfx and password file", "pem"],
)
def test_a_given_certificate(program: str, tmp_path: Path, files: Path, words: List[str]) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    named = [str(files / w) if (files / w).exists() else w for w in words]
    with Host(program, root, "--useHttps", *named) as host:
        assert (
            echo(host, trusting(files / "cert.pem"), "localhost", b"x" * 100_000) == b"x" * 100_000
        )
        # The password is in nobody's reach: not in the worker's environment, nor on a command line.
        assert b"geheim" not in Path(f"/proc/{host.workers()[0]}/environ").read_bytes()


@pytest.mark.parametrize(
    "words, text",
    [
        (["--cert", "cert.pfx", "--password", "wrong"], "wrong password, or not a PFX file"),
        (["--cert", "password.txt"], "wrong password, or not a PFX file"),
        (["--cert", "nowhere.pfx"], "nowhere.pfx"),
        (["--cert", "cert.pem"], "certificate or key not usable"),
    ],
    ids=["password", "format", "missing", "no key"],
)
def test_certificates_that_cannot_be_used(
    program: str, tmp_path: Path, files: Path, words: List[str], text: str
) -> None:
    root = write_app(tmp_path / "app", {"function_app.py": APP})
    named = [str(files / w) if (files / w).exists() else w for w in words]
    done = subprocess.run(
        [program, "func", "start", "--port", "0", "--useHttps", *named],
        cwd=str(root),
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.search(re.escape(text), done.stderr), done.stderr
    assert "\n\t" not in done.stdout, "it started all the same"
