"""A daemon of one's own, a plain HTTP client, and the loop that runs tests.

Each test file is a program: `FILE.py GVISORD`. Functions named test_* run in
the order they stand; output is TAP. Nothing but the standard library.
"""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PATIENCE = 10  # seconds to wait for what should happen at once

ECHO = "return function(event) return event end"
# What `gvisord run --unsafe-native` says first.
UNSAFE = "gvisord: UNSAFE: native code runs without any isolation\n"
SPIN = "return function() while true do end end"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, probe):
    """Until probe() is true; its value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen in {PATIENCE} s")


class Skip(Exception):
    """What a test needs is not on this machine."""


class Reply:
    """status, headers (lower-case names), body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def code(self):
        """Of a problem: Class.Reason."""
        kind = self.headers.get("content-type")
        assert kind == "application/problem+json", (kind, self.body)
        problem = self.json()
        assert problem["status"] == self.status, problem
        return problem["code"]

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


class Client:
    """One connection, byte for byte: no help where none is wanted."""

    def __init__(self, family, address):
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(address)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def more(self):
        try:
            piece = self.sock.recv(1 << 20)
        except ConnectionResetError:
            piece = b""
        self.got += piece
        return piece

    def at_end(self):
        """Waits until the server closes; what came before that."""
        while self.more():
            pass
        return self.got

    def reply(self, head=False):
        while b"\r\n\r\n" not in self.got:
            assert self.more(), f"closed after {self.got!r}"
        top, self.got = self.got.split(b"\r\n\r\n", 1)
        lines = top.decode().split("\r\n")
        status = int(lines[0].split()[1])
        headers = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value
        size = 0 if head else int(headers.get("content-length", 0))
        while len(self.got) < size:
            assert self.more(), "closed inside a body"
        body, self.got = self.got[:size], self.got[size:]
        return Reply(status, headers, body)

    def ask(self, method, path, body=None, **headers):
        if isinstance(body, str):
            body = body.encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: test\r\n"
        for name, value in headers.items():
            head += f"{name.replace('_', '-')}: {value}\r\n"
        if body is not None:
            head += f"Content-Length: {len(body)}\r\n"
        self.send(head.encode() + b"\r\n" + (body or b""))
        return self.reply(head=method == "HEAD")


class Daemon:
    """`gvisord serve` in a directory of its own."""

    def __init__(self, *args, tcp=False, **knobs):
        self.dir = tempfile.mkdtemp(prefix="gv-e2e-")
        self.socket = os.path.join(self.dir, "s")
        self.log_path = os.path.join(self.dir, "log")
        self.port = free_port() if tcp else None
        self.args = [GVISORD, "serve", "--socket", self.socket]
        if tcp:
            self.args += ["--listen", f"127.0.0.1:{self.port}"]
        for name, value in knobs.items():
            self.args += ["--set", f"{name.replace('__', '.')}={value}"]
        self.args += args
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.args, stdout=log, stderr=log, cwd=self.dir)
        wait_for("readiness", self.ready)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError("the daemon ended: " + self.log())
        try:
            with self.client() as c:
                return c.ask("GET", "/readyz").status == 200
        except (OSError, AssertionError):
            # Not there yet, or still the one before.
            return False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM):
        """The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.end()
            raise

    def __exit__(self, kind, *_):
        try:
            status = self.end()
            assert kind or status == 0, (status, self.last_log)
        finally:
            if kind:
                sys.stderr.write(self.last_log)

    def end(self):
        status = self.stop() if self.process else None
        self.last_log = self.log()
        shutil.rmtree(self.dir, ignore_errors=True)
        return status

    def client(self):
        return Client(socket.AF_UNIX, self.socket)

    def tcp_client(self):
        return Client(socket.AF_INET, ("127.0.0.1", self.port))

    def ask(self, method, path, body=None, **headers):
        with self.client() as c:
            return c.ask(method, path, body, **headers)

    def deploy(self, name, code, query=""):
        r = self.ask("PUT", f"/v1/functions/{name}{query}", code,
                     Content_Type="text/x-lua")
        assert r.status in (200, 201), r
        return r

    def invoke(self, name, body="null", **headers):
        return self.ask("POST", f"/v1/functions/{name}/invoke", body,
                        **headers)


def b64(text):
    return base64.b64encode(text.encode()).decode()


def same(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def has(text, part):
    if isinstance(text, bytes):
        text = text.decode()
    assert part in text, f"{part!r} is not in {text!r}"


def run(module):
    """Runs all test_* of the calling program; exits."""
    tests = [(n, f) for n, f in vars(module).items()
             if n.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name[5:]}", flush=True)
        except Skip as e:
            print(f"ok {number} - {name[5:]} # SKIP {e}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            traceback.print_exc()
            print(f"not ok {number} - {name[5:]}", flush=True)
    sys.exit(failed > 0)


GVISORD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "gvisord"
