"""Functions that compute, in gvisord beside the same code run plainly.

Both sides are timed alike: what processor time a whole call takes, the
daemon's or the plain program's, less a call of the same function that has next
to nothing to do. What is left is the computation.
"""

import contextlib
import json
import resource
import statistics

from measure import Failed, TOP, cpu_of_threads, free_port, on_cpu, run, server

EXAMPLES = f"{TOP}/docs/examples"
KMEANS = {"points": 20000, "clusters": 8, "seed": 1}
# Some hundred milliseconds each: (request, a request with nothing to do).
WORK = {
    ("sinloop", "C"): ({"n": 20000000}, {"n": 1}),
    ("sinloop", "Lua"): ({"n": 6000000}, {"n": 1}),
    ("kmeans", "C"): ({**KMEANS, "iterations": 1600},
                      {**KMEANS, "iterations": 1}),
    ("kmeans", "Lua"): ({**KMEANS, "iterations": 60},
                        {**KMEANS, "iterations": 1}),
}
# What lua5.4 runs: a function's file, and the request as a Lua table.
PLAIN_LUA = """
local answer = dofile("%s")({%s})
print(answer.sum or answer.inertia)
"""


def timed(side, requests):
    """Milliseconds that the first request takes longer; its answer."""
    call, clock = side
    spent, answers = [], []
    for request in requests:
        begin = clock()
        answers.append(call(request))
        spent.append(clock() - begin)
    return (spent[0] - spent[1]) * 1e3, number_of(answers[0])


def of_children():
    """Processor seconds of the programs that were run so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def number_of(answer):
    """The one number of an answer that says if it is right."""
    with contextlib.suppress(ValueError, AttributeError):
        answer = json.loads(answer)
        answer = answer.get("sum", answer.get("inertia"))
    return float(answer)


def plain_lua(name):
    """The plain interpreter: a call, and the clock that counts it."""
    def call(request):
        table = ", ".join(f"{k} = {v}" for k, v in request.items())
        script = PLAIN_LUA % (f"{EXAMPLES}/{name}.lua", table)
        return run(on_cpu(0, ["lua5.4", "-e", script]))
    return call, of_children


def plain_c(name, where):
    """The plain program, likewise."""
    program = f"{where}/{name}"
    run(["gcc", "-O2", f"-I{TOP}/include", f"{EXAMPLES}/{name}.c",
         f"{TOP}/tests/examples/driver.c", "-o", program, "-lm"])
    return (lambda request: run(on_cpu(0, [program, json.dumps(request)])),
            of_children)


class Gvisord:
    """A daemon on CPU 0, whose functions are called one at a time."""

    def __init__(self, build, where):
        self.program = f"{build}/src/cli/gvisord"
        self.where = where
        self.socket = f"{where}/s"
        self.pid = None

    @contextlib.contextmanager
    def serve(self):
        """For the time of a `with`."""
        port = free_port()
        command = [self.program, "serve", "--workers", "1",
                   "--unsafe-native", "--socket", self.socket,
                   "--listen", f"127.0.0.1:{port}"]
        with server(command, port, f"{self.where}/log") as process:
            self.pid = process.pid
            yield

    def deploy(self, name, language):
        """An example, likewise."""
        path = f"{EXAMPLES}/{name}.lua"
        if language == "C":
            path = f"{self.where}/{name}.so"
            run([self.program, "build", f"{EXAMPLES}/{name}.c", "-o", path])
        run([self.program, "--socket", self.socket, "deploy", path, name])

        def call(request):
            return run([self.program, "--socket", self.socket, "invoke", name,
                        json.dumps(request)])
        return call, lambda: cpu_of_threads(self.pid)


def compare(plain, ours, requests, rounds):
    """Medians of rounds taken in turns: ms of both, and of their ratio."""
    rows = []
    for i in range(rounds + 1):
        (a, answer), (b, other) = timed(plain, requests), timed(ours, requests)
        if abs(answer - other) > 1e-9 * abs(answer):
            raise Failed(f"the answers differ: {answer} and {other}")
        if i:  # the first one warms up
            rows.append((a, b, b / a))
    return dict(zip(("plain_ms", "gvisord_ms", "ratio"),
                    map(statistics.median, zip(*rows))))
