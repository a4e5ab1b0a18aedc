"""What one tenant's bombs do to another's latency.

A neighbour is called at a steady rate, on connections that are spread over both
workers, alone and while another tenant's function is called without end: a Lua
function that fills its memory, a C function that does (software mode, no wall,
the same limits), and one that spins into its CPU limit. The other tenant has no
limit, or one call at once, or a quarter of a processor.
"""

import contextlib
import json
import os
import statistics
import tempfile

from measure import Failed, free_port, number, run, server, values

NEIGHBOUR = "return function() return 'hello' end"
BOMBS = {
    "Lua memory bomb": ("lua", """return function()
        local t, s = {}, ("x"):rep(65536)
        while true do t[#t + 1] = s .. #t end
    end"""),
    "C malloc bomb": ("c", """#include <gvisor/function.h>
        #include <stdlib.h>
        #include <string.h>
        int handler(const struct gv_request *req, struct gv_response *res)
        {
            (void)req;
            for (void *p; (p = malloc(65536)); res->body = p)
                memset(p, 'x', 65536);
            gv_fail("no more");
        }"""),
    "spin, cpu_ms 10": ("lua", "return function() while true do end end"),
}
LIMITS = {
    "no limit": {},
    "concurrency 1": {"concurrency": 1},
    "cpu_percent 25": {"concurrency": 1, "cpu_percent": 25},
}
# The neighbour's; calls per second on each: so few that none is late because
# of the one before.
CONNECTIONS, RATE = 16, 10
BOMBERS = 4
CPU_MS = 10


@contextlib.contextmanager
def daemon(build, where, limits):
    """A daemon with two workers, on all CPUs; gives its socket."""
    socket, port = f"{where}/s", free_port()
    with open(f"{where}/config.json", "w", encoding="ascii") as f:
        json.dump({"tenants": {"bomber": limits}}, f)
    command = [f"{build}/src/cli/gvisord", "serve", "--workers", "2",
               "--isolation", "software", "--unsafe-native",
               "--socket", socket, "--listen", f"127.0.0.1:{port}",
               "--config", f"{where}/config.json", "--set", "log.level=error"]
    with server(command, port, f"{where}/log", cpu=None):
        yield socket


def deploy(build, where, socket, name, language, code, *options):
    """Code of one language."""
    gvisord = f"{build}/src/cli/gvisord"
    path = f"{where}/f.{language}"
    with open(path, "w", encoding="ascii") as f:
        f.write(code)
    if language == "c":
        run([gvisord, "build", path, "-o", f"{where}/f.so"])
        path = f"{where}/f.so"
    run([gvisord, "--socket", socket, "deploy", *options, path, name])


def load(build, socket, seconds, bombers):
    """The neighbour's figures, beside so many bombers."""
    command = [f"{build}/bench/neighbour", socket, str(seconds),
               "/v1/functions/quiet/neighbour/invoke", str(CONNECTIONS),
               str(RATE)]
    if bombers:
        command += ["/v1/functions/bomber/bomb/invoke", str(bombers)]
    found = {k: number(v) for k, v in values(run(command))}
    if found["errors"]:
        raise Failed(f"neighbour: {found['errors']:g} calls failed")
    if bombers and not found["bombs"]:
        raise Failed("neighbour: no bomb went off")
    return found


def beside(build, seconds, bomb, limit):
    """The neighbour's figures alone, and beside one kind of bomb."""
    with tempfile.TemporaryDirectory() as where, \
            daemon(build, where, LIMITS[limit]) as socket:
        deploy(build, where, socket, "quiet/neighbour", "lua", NEIGHBOUR)
        options = ["--cpu-ms", str(CPU_MS)] if "spin" in bomb else []
        deploy(build, where, socket, "bomber/bomb", *BOMBS[bomb], *options)
        return (load(build, socket, seconds, 0),
                load(build, socket, seconds, BOMBERS))


def add(report, runs, seconds):
    """Rows of one case: medians of its runs."""
    for name, unit, what in (("call_p50_us", "us", "p50"),
                             ("call_p99_us", "us", "p99"),
                             ("longest_us", "us", "longest")):
        report.add(f"  {what}", statistics.median(r[name] for r in runs), unit)
    bombs = statistics.median(r["bombs"] for r in runs)
    if bombs:
        report.add("  bombs beside it", bombs / seconds, "1/s")


def ask(report, options):
    """All cases; the neighbour alone is a case of its own."""
    if (os.cpu_count() or 1) < 2:
        raise Failed("neighbour: wants two processors")
    cases = [(bomb, limit) for bomb in BOMBS for limit in LIMITS]
    alone, rows = [], {}
    for _ in range(max(1, options.rounds // 2)):
        for bomb, limit in cases[:2] if options.quick else cases:
            found = beside(options.build, options.seconds, bomb, limit)
            alone.append(found[0])
            rows.setdefault((bomb, limit), []).append(found[1])
    report.add("neighbour alone: calls", alone[0]["calls"]
               / options.seconds, "1/s")
    add(report, alone, options.seconds)
    for (bomb, limit), runs in rows.items():
        report.add(f"neighbour, {bomb}, {limit}: calls",
                   statistics.median(r["calls"] for r in runs)
                   / options.seconds, "1/s")
        add(report, runs, options.seconds)
