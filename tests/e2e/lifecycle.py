"""Starting, stopping, and what is left behind."""

import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

from harness import (Daemon, ECHO, GVISORD, SPIN, free_port, has, run, same,
                     wait_for)


def test_socket_file():
    with Daemon() as d:
        same(stat.S_IMODE(os.stat(d.socket).st_mode), 0o660)
        # A second one on the same socket says so and changes nothing.
        second = subprocess.run([GVISORD, "serve", "--socket", d.socket],
                                capture_output=True, timeout=20, check=False)
        assert second.returncode != 0, second
        has(second.stderr, "already running")
        same(d.ask("GET", "/livez").status, 200)
        same(d.stop(), 0)
        assert not os.path.exists(d.socket)


def test_stale_socket():
    d = Daemon().start()
    d.stop(signal.SIGKILL)
    assert os.path.exists(d.socket)
    d.start()
    same(d.ask("GET", "/livez").status, 200)
    same(d.end(), 0)


def test_socket_of_somebody_else():
    if os.geteuid() != 0:
        return
    d = Daemon().start()
    d.stop(signal.SIGKILL)
    os.chmod(d.dir, 0o777)
    # The tree may be where others can't go.
    program = shutil.copy(d.args[0], d.dir)
    r = subprocess.run([program] + d.args[1:], capture_output=True,
                       timeout=20, check=False,
                       user=65534, group=65534, extra_groups=[])
    same(r.returncode, 7)
    has(r.stderr, "belongs to somebody else")
    d.end()


def test_socket_path_taken_by_a_file():
    d = Daemon()
    with open(d.socket, "w", encoding="ascii") as f:
        f.write("mine")
    r = subprocess.run(d.args, capture_output=True, timeout=20, check=False)
    assert r.returncode != 0
    has(r.stderr, "no socket")
    with open(d.socket, encoding="ascii") as f:
        same(f.read(), "mine")


def test_of_two_starts_at_once_one_serves():
    for _ in range(5):
        d = Daemon()
        with open(d.log_path, "wb") as log:
            two = [subprocess.Popen(d.args, stderr=log) for _ in range(2)]
        over = wait_for("a refusal", lambda t=two: [
            p for p in t if p.poll() is not None])
        same(len(over), 1)
        has(d.log(), "already running")
        d.process = next(p for p in two if p not in over)
        wait_for("readiness", d.ready)
        same(d.end(), 0)


def test_longest_socket_path():
    d = Daemon()
    d.socket = os.path.join(d.dir, "x" * (107 - len(d.dir) - 1))
    d.args[3] = d.socket
    for _ in range(2):
        d.start()
        same(stat.S_IMODE(os.stat(d.socket).st_mode), 0o660)
        same(d.stop(signal.SIGKILL), -signal.SIGKILL)
    same(os.listdir(d.dir).count(os.path.basename(d.socket)), 1)
    d.log_path = os.path.join(d.dir, "log")
    d.end()


def test_listens_on_localhost_by_name():
    port = free_port()
    with Daemon("--listen", f"localhost:{port}") as d:
        d.port = port
        with d.tcp_client() as c:
            same(c.ask("GET", "/livez").status, 200)


def test_port_taken():
    with Daemon(tcp=True) as d:
        r = subprocess.run(
            [GVISORD, "serve", "--socket", d.socket + "2",
             "--listen", f"127.0.0.1:{d.port}"],
            capture_output=True, timeout=20, check=False)
        assert r.returncode != 0
        has(r.stderr, "in use")


def test_closed_standard_files_stay_nobodys():
    d = Daemon()
    d.process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"] + d.args)
    open(d.log_path, "w", encoding="ascii").close()
    wait_for("readiness", d.ready)
    for fd in range(3):
        same(os.readlink(f"/proc/{d.process.pid}/fd/{fd}"), "/dev/null")
    same(d.end(), 0)


def test_a_log_that_nobody_reads_holds_up_nobody():
    d = Daemon()
    out, log = os.pipe()
    os.set_blocking(log, False)
    try:
        while True:
            os.write(log, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(log, True)
    open(d.log_path, "w", encoding="ascii").close()
    d.process = subprocess.Popen(d.args, stderr=log)
    wait_for("readiness", d.ready)
    for _ in range(20):
        d.deploy("t/f", "return function() log('x') end")
        same(d.invoke("t/f", "1").status, 200)
        same(d.ask("DELETE", "/v1/functions/t/f").status, 204)
    assert os.read(out, 1 << 20)
    d.deploy("t/f", ECHO)
    has(os.read(out, 1 << 20), "log lines lost")
    same(d.end(), 0)
    os.close(out)
    os.close(log)


def test_log_file_at_its_limit():
    d = Daemon()
    with open(d.log_path, "wb") as log:
        d.process = subprocess.Popen(
            d.args, stderr=log, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (200, 200)))
    wait_for("readiness", d.ready)
    d.deploy("t/f", ECHO)
    same(d.invoke("t/f", "1").body, b"1")
    same(d.end(), 0)


def test_drain():
    with Daemon(tcp=True) as d:
        d.deploy("t/spin", SPIN, "?timeout_ms=700")
        d.deploy("t/f", ECHO)
        with d.client() as busy, d.client() as idle, d.tcp_client() as half:
            same(idle.ask("GET", "/livez").status, 200)
            half.send("GET /livez HTTP/1.1\r\n")
            busy.send("POST /v1/functions/t/spin/invoke HTTP/1.1\r\n"
                      "Host: x\r\nContent-Length: 1\r\n\r\n1")
            time.sleep(0.1)
            d.process.send_signal(signal.SIGTERM)
            same(idle.at_end(), b"")
            # What had begun is finished, and says that it is the last.
            r = busy.reply()
            same(r.status, 504)
            same(r.headers["connection"], "close")
            same(busy.at_end(), b"")
            half.send("Host: x\r\n\r\n")
            same(half.reply().status, 200)
            same(half.at_end(), b"")
        same(d.process.wait(10), 0)


def test_drain_answers_what_was_sent_before():
    """Also what the one worker, busy until later, has not even accepted."""
    with Daemon("--workers", "1", tcp=True) as d:
        d.deploy("t/spin", SPIN, "?timeout_ms=800")
        d.deploy("t/f", ECHO)
        request = ("POST /v1/functions/t/f/invoke HTTP/1.1\r\n"
                   "Host: x\r\nContent-Length: 3\r\n\r\n[7]")
        with d.client() as busy, d.client() as kept, d.tcp_client() as kept_tcp:
            others = [kept, kept_tcp]
            for c in others:
                same(c.ask("GET", "/livez").status, 200)
            busy.send("POST /v1/functions/t/spin/invoke HTTP/1.1\r\n"
                      "Host: x\r\nContent-Length: 1\r\n\r\n1")
            time.sleep(0.2)
            others += [d.client() for _ in range(40)]
            others += [d.tcp_client() for _ in range(40)]
            for c in others:
                c.send(request)
            time.sleep(0.1)
            d.process.send_signal(signal.SIGTERM)
            same(busy.reply().status, 504)
            for c in others:
                r = c.reply()
                same((r.status, r.body), (200, b"[7]"))
                same(r.headers["connection"], "close")
                same(c.at_end(), b"")
                c.sock.close()
        same(d.process.wait(10), 0)


def test_second_signal_stops_at_once():
    d = Daemon().start()
    d.deploy("t/spin", SPIN, "?timeout_ms=60000")
    with d.client() as busy:
        busy.send("POST /v1/functions/t/spin/invoke HTTP/1.1\r\n"
                  "Host: x\r\nContent-Length: 1\r\n\r\n1")
        time.sleep(0.2)
        d.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        begin = time.monotonic()
        d.process.send_signal(signal.SIGTERM)
        d.process.wait(10)
        assert time.monotonic() - begin < 5
    d.end()


def test_closed_terminal():
    with Daemon() as d:
        d.deploy("t/f", ECHO)
        d.process.send_signal(signal.SIGHUP)
        same(d.process.wait(10), 0)
        assert not os.path.exists(d.socket)


def test_idle_isolates_go():
    with Daemon() as d:
        d.deploy("t/f", ECHO, "?idle_ttl_ms=300")
        same(d.invoke("t/f", "1").status, 200)

        def gone():
            return d.ask("GET", "/v1/isolates").json()["total"] == 0
        wait_for("the end of the isolate", gone)
        r = d.invoke("t/f", "1")
        same(r.headers["gvisor-start"], "cold")


def test_one_shot():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "../../docs/examples/hello.lua")
    r = subprocess.run([GVISORD, "run", path, '{"name":"Ada"}'],
                       capture_output=True, timeout=20, check=False)
    same(r.returncode, 0)
    has(r.stdout, "Hello, Ada")


HOSTILE = """return function(e)
  local s = "\\27[31mred\\155\\0end"
  if e == 1 then error(s, 0) end
  return s
end"""


def test_hostile_text_does_not_reach_a_terminal():
    with Daemon() as d:
        path = os.path.join(d.dir, "f.lua")
        with open(path, "w", encoding="ascii") as f:
            f.write(HOSTILE)
        d.deploy("default/f", HOSTILE)
        for command in (["run", path], ["invoke", "f"]):
            command = [GVISORD] + command
            env = dict(os.environ, GVISORD_SOCKET=d.socket)
            r = subprocess.run(command + ["1"], capture_output=True, env=env,
                               timeout=20, check=False)
            same(r.returncode, 1)
            has(r.stderr, "\\x1b[31mred")
            has(r.stderr, "\\x00end")
            assert b"\x1b" not in r.stderr, r.stderr
            # A pipe gets what the function said.
            r = subprocess.run(command + ["2"], capture_output=True, env=env,
                               timeout=20, check=False)
            same(r.stdout, b"\x1b[31mred\x9b\0end\n")
            main, end = os.openpty()
            r = subprocess.run(command + ["2"], stdout=end, env=env,
                               timeout=20, check=False)
            os.close(end)
            same(os.read(main, 999), b"\\x1b[31mred\\x9b\\x00end\r\n")
            os.close(main)


if __name__ == "__main__":
    run(sys.modules[__name__])
