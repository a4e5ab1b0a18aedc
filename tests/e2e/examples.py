"""docs/examples: what they answer, in each language and each way to run them.

Known answers come from hashlib and from a few lines of Python that do the same.
"""

import contextlib
import functools
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness import Daemon, GVISORD, Skip, UNSAFE, has, run, same

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
EXAMPLES = os.path.join(TOP, "docs/examples")
WHERE = tempfile.TemporaryDirectory()
NAMES = ("hello", "sha256", "image", "kmeans", "matmul", "sinloop")

STRICT = ["-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-pthread",
          "-ffp-contract=off", "-I" + os.path.join(TOP, "include")]
DRIVER = os.path.join(TOP, "tests/examples/driver.c")


# --- what must come out ------------------------------------------------------


def random_numbers(seed):
    """The examples' generator: 32 bits each."""
    while True:
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        yield seed


@functools.lru_cache
def image(width, height, seed):
    """image.c, in other words."""
    noise = random_numbers(seed)
    w, h = width // 4, height // 4
    small = {}
    for y in range(h * 4):
        for x in range(w * 4):
            for c in range(3):
                byte = (x * 3 + y * 2 + c * 64 + (next(noise) >> 27)) & 255
                at = y // 4, x // 4, c
                small[at] = small.get(at, 0) + byte

    def at(y, x, c):
        return small[min(max(y, 0), h - 1), min(max(x, 0), w - 1), c] // 16

    total = 2166136261
    for y in range(h):
        for x in range(w):
            for c in range(3):
                n = 5 * at(y, x, c) - at(y, x - 1, c) - at(y, x + 1, c) \
                    - at(y - 1, x, c) - at(y + 1, x, c)
                total = (total ^ min(max(n, 0), 255)) * 16777619 & 0xffffffff
    return {"width": w, "height": h, "checksum": total}


@functools.lru_cache
def kmeans(points, clusters, iterations, seed):
    """kmeans.c, in other words; each sum in the same order."""
    numbers = (n / 2 ** 24 for n in (r >> 8 for r in random_numbers(seed)))
    places = [(next(numbers), next(numbers)) for _ in range(points)]
    centres = places[:clusters]
    for _ in range(iterations):
        inertia, members = 0.0, [[] for _ in centres]
        for x, y in places:
            squares = [(x - cx) * (x - cx) + (y - cy) * (y - cy)
                       for cx, cy in centres]
            inertia += min(squares)
            members[squares.index(min(squares))].append((x, y))
        for k, mine in enumerate(members):
            sums = [0.0, 0.0]
            for x, y in mine:
                sums = [sums[0] + x, sums[1] + y]
            if mine:
                centres[k] = sums[0] / len(mine), sums[1] / len(mine)
    return {"inertia": inertia, "sizes": [len(m) for m in members],
            "centres": [list(c) for c in centres]}


@functools.lru_cache
def matmul(n):
    """matmul.c, in other words."""
    total = 0
    for i in range(n):
        for j in range(n):
            place = sum((i * 7 + k * 3) % 10 * ((k * 5 + j * 11) % 10)
                        for k in range(n))
            total += place * ((i * 2 + j) % 7 + 1)
    return {"n": n, "checksum": total}


class Near:
    """Equal to {"sum": s} where s is near enough: libraries round sin()
    differently."""

    def __init__(self, n):
        self.sum = math.fsum(math.sin(i) for i in range(1, n + 1))

    def __eq__(self, other):
        return list(other) == ["sum"] and abs(other["sum"] - self.sum) < 1e-9

    def __repr__(self):
        return f"{{'sum': about {self.sum}}}"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def greeting(name):
    return {"greeting": "Hello, " + name}


# By the names of arguments.
KNOWN = {"hello": greeting, "sha256": sha256, "image": image, "kmeans": kmeans,
         "matmul": matmul, "sinloop": Near}

TEXTS = [*("x" * n for n in (0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000)),
         "\"\\/\b\f\n\r\t\x7f", "Grüße, 世界 \U0001f600", "\0", "a\0b"]


def questions(name):
    """(request as JSON, what must come out) of one example."""
    if name == "hello":
        yield '{"name": "Ada"}', greeting("Ada")
        yield '\n{ "x":{"name":["]",{}]} ,"name":"Ada"}\t', greeting("Ada")
        yield '{"name":"Ida","name":"Ada"}', greeting("Ada")
        yield '{"names":"Ida","name":"\\"A\\u00fc\\\\"}', greeting('"Aü\\')
    elif name == "sha256":
        for text in TEXTS:
            yield json.dumps({"text": text}), sha256(text)
            yield json.dumps(text, ensure_ascii=False), sha256(text)
    elif name == "sinloop":
        for n in 1, 2, 100000:
            yield json.dumps({"n": n}), Near(n)
    else:
        of = {"image": ((4, 4, 0), (5, 11, 1), (64, 48, 2), (37, 90, 3)),
              "kmeans": ((1, 1, 1, 0), (100, 8, 5, 1), (64, 64, 2, 2),
                         (1000, 3, 10, 4294967295)),
              "matmul": ((1,), (2,), (17,), (40,))}
        names = {"image": ("width", "height", "seed"),
                 "kmeans": ("points", "clusters", "iterations", "seed"),
                 "matmul": ("n",)}
        for args in of[name]:
            yield (json.dumps(dict(zip(names[name], args))),
                   KNOWN[name](*args))


# A request that is wrong, by JSON or by sense, and a part of the message.
WRONG = (
    ("hello", "{}", "name"),
    ("hello", '{"name":["Ada"]}', "name"),
    ("hello", '"Ada"', "name"),
    ("sha256", "1", "text: must be a string"),
    ("sha256", "{}", "text: must be a string"),
    ("sha256", '{"text":["abc"]}', "text: must be a string"),
    ("image", '{"width":3,"height":4,"seed":0}', "width: must be an integer"),
    ("image", '{"width":4,"height":8193,"seed":0}', "from 4 to 8192"),
    ("image", '{"width":4,"height":4,"seed":-1}', "from 0 to 4294967295"),
    ("kmeans", '{"clusters":1,"iterations":1,"seed":1}', "points: must"),
    ("kmeans", '{"points":1,"clusters":2,"iterations":1,"seed":1}',
     "clusters: more than points"),
    ("matmul", '{"n":0}', "n: must be an integer from 1 to 1000"),
    ("matmul", '{"n":1001}', "n: must be"),
    ("matmul", '{"n":1.0}', "n: must be"),
    ("matmul", '{"n":1e2}', "n: must be"),
    ("matmul", '{"n":"1"}', "n: must be"),
    ("matmul", '[1]', "n: must be"),
    ("matmul", '{"n":99999999999999999999}', "n: must be"),
    ("matmul", '{"n":18446744073709551617}', "n: must be"),
    ("sinloop", '{"m":1}', "n: must be an integer from 1 to 1000000000"),
    ("sinloop", '{"n":1000000001}', "n: must be"),
)


# --- ways to run them --------------------------------------------------------


def command(*args, **options):
    """(exit code, stdout, stderr)."""
    r = subprocess.run(args, capture_output=True, timeout=60, check=False,
                       text=True, **options)
    return r.returncode, r.stdout, r.stderr.removeprefix(UNSAFE)


def built(*args):
    r = command(*args)
    same((args[0], r[0], r[2]), (args[0], 0, ""))


def plain(name, source, *flags):
    """A program made of an example and the driver; its path."""
    path = os.path.join(WHERE.name, name)
    if source.endswith(".cpp"):
        built("gcc", *STRICT, *flags, "-c", DRIVER, "-o", path + ".o")
        built("g++", "-std=c++17", "-fno-exceptions", "-fno-rtti", *STRICT,
              *flags, os.path.join(EXAMPLES, source), path + ".o", "-o", path)
    else:
        built("gcc", *STRICT, *flags, os.path.join(EXAMPLES, source), DRIVER,
              "-o", path, "-lm")
    return path


def rust_object():
    """hello-rust as its own comment says; its path."""
    rustc = shutil.which("rustc") or os.path.expanduser("~/.cargo/bin/rustc")
    if not os.path.exists(rustc):
        raise Skip("rustc is not installed")
    source = os.path.join(EXAMPLES, "hello-rust/lib.rs")
    path = os.path.join(WHERE.name, "libhello_rust.so")
    with open(source, encoding="utf-8") as f:
        line = f.read().split("rustc ")[1].split("lib.rs")[0]
    flags = line.replace("\\\n//!", " ").split()
    flags[flags.index("-o") + 1] = path
    built(rustc, *flags, source)
    return path


def native(name, source):
    """The object that is deployed; its path."""
    path = os.path.join(WHERE.name, name + ".so")
    built(GVISORD, "build", os.path.join(EXAMPLES, source), "-o", path)
    return path


def answer(text):
    """What a reply stands for: JSON, or text that is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def ask_all(name, ask):
    """ask(request) is (exit code, stdout, stderr)."""
    for request, want in questions(name):
        status, out, err = ask(request)
        same((name, request, status, err), (name, request, 0, ""))
        same(answer(out), want)
    for who, request, part in WRONG:
        if who == name:
            status, out, err = ask(request)
            same((request, status, out), (request, 1, ""))
            has(err, part)


def ask_rust(ask):
    """hello-rust knows objects of strings only."""
    for request, want in RUST_KNOWN:
        status, out, err = ask(request)
        same((status, answer(out), err), (0, want, ""))
    for request in "{}", '{"name":1}', '"name"':
        status, out, err = ask(request)
        same((request, status, out), (request, 1, ""))
        has(err, "name: must be a string")


@contextlib.contextmanager
def deployed(d, name, file, *args):
    """A function that `invoke` finds."""
    env = dict(os.environ, GVISORD_SOCKET=d.socket)
    status, _, err = command(GVISORD, "deploy", *args, file, name, env=env)
    same((file, status, err), (file, 0, ""))
    yield lambda request: command(GVISORD, "invoke", name, request, env=env)


def lua_file(name):
    return os.path.join(EXAMPLES, name + ".lua")


# --- the tests ---------------------------------------------------------------


def test_lua_run():
    for name in NAMES:
        ask_all(name, lambda request, n=name: command(
            GVISORD, "run", lua_file(n), request))


def test_lua_deployed():
    with Daemon() as d:
        for name in NAMES:
            with deployed(d, name, lua_file(name)) as ask:
                ask_all(name, ask)


def test_lua_replies_are_typed():
    with Daemon() as d:
        for name in "hello", "sha256":
            with open(lua_file(name), encoding="utf-8") as f:
                d.deploy("default/" + name, f.read())
        r = d.invoke("default/hello", '{"name":"Ada"}')
        same((r.status, r.headers["content-type"]), (200, "application/json"))
        r = d.invoke("default/sha256", '"abc"')
        has(r.headers["content-type"], "text/plain")
        same(r.body.decode(), sha256("abc"))
        same(d.invoke("default/sha256", "1").code(), "Function.Error")


def test_plain_c():
    for name in NAMES:
        program = plain(name, name + ".c")
        ask_all(name, lambda request, p=program: command(p, request))


def test_plain_cpp():
    program = plain("hello_cpp", "hello.cpp")
    ask_all("hello", lambda request: command(program, request))


RUST_KNOWN = (('{"name": "Ada"}', greeting("Ada")),
              ('\n{ "name":"Ida" ,"name":"A\\"\\u00fc" } ', greeting('A"ü')))


def test_plain_rust():
    program = os.path.join(WHERE.name, "hello_rust")
    built("gcc", *STRICT, "-rdynamic", DRIVER, rust_object(), "-o", program,
          "-Wl,-rpath," + WHERE.name)
    ask_rust(lambda request: command(program, request))
    for request in '{"name":"', '{"name"', "":
        same(command(program, request)[0], 1)


def test_native_run():
    for name in NAMES:
        file = native(name, name + ".c")
        ask_all(name, lambda request, f=file: command(
            GVISORD, "run", "--unsafe-native", f, request))


def test_native_deployed():
    with Daemon("--unsafe-native") as d:
        for name in NAMES:
            with deployed(d, name, native(name, name + ".c")) as ask:
                ask_all(name, ask)
        file = native("hello_cpp", "hello.cpp")
        with deployed(d, "hello_cpp", file) as ask:
            ask_all("hello", ask)


def test_native_rust():
    file = rust_object()
    with Daemon("--unsafe-native") as d:
        with deployed(d, "hello_rust", file) as ask:
            ask_rust(ask)


def test_native_is_lua_to_the_last_digit():
    """Of floats C writes 17 digits and Lua the fewest that will do."""
    request = json.dumps(
        {"points": 5000, "clusters": 16, "iterations": 20, "seed": 9})
    file = native("kmeans", "kmeans.c")
    ways = (command(GVISORD, "run", "--unsafe-native", file, request),
            command(GVISORD, "run", lua_file("kmeans"), request),
            command(plain("kmeans", "kmeans.c"), request))
    same([w[0] for w in ways], [0, 0, 0])
    same(json.loads(ways[0][1]), json.loads(ways[1][1]))
    same(ways[0][1], ways[2][1])


def test_native_replies_are_typed():
    with Daemon("--unsafe-native") as d:
        for name in "hello", "sha256":
            with deployed(d, name, native(name, name + ".c")):
                pass
        r = d.invoke("default/hello", '{"name":"Ada"}')
        same((r.status, r.headers["content-type"]), (200, "application/json"))
        same(r.json(), greeting("Ada"))
        r = d.invoke("default/sha256", '"abc"')
        has(r.headers["content-type"], "text/plain")
        same(r.body.decode(), sha256("abc"))
        r = d.invoke("default/sha256", "1")
        same(r.code(), "Function.Error")
        has(r.json()["detail"], "text: must be a string")


def test_native_out_of_memory():
    request = '{"points":1000000,"clusters":1,"iterations":1,"seed":1}'
    file = native("kmeans", "kmeans.c")
    status, out, err = command(GVISORD, "run", "--unsafe-native",
                               "--memory-mb", "4", file, request)
    same((status, out), (1, ""))
    has(err, "out of memory")


def test_c_never_reads_beyond_a_request():
    whole = {
        "hello": '{"x":{"y":["\\"]",1]},"name":"A\\"da"}',
        "sha256": '{"text":"a\\ud83d\\ude00\\u00e9\\n"}',
        "matmul": ' { "k" : [ { } , "]" , 1 ] , "n" : 12 } ',
    }
    for name, request in whole.items():
        program = plain(name + "_san", name + ".c",
                        "-fsanitize=address,undefined",
                        "-fno-sanitize-recover=all", "-g")
        end = len(request.rstrip())
        for cut in range(len(request)):
            status, out, err = command(program, request[:cut])
            same((request[:cut], status), (request[:cut], int(cut < end)))
            assert "anitizer" not in err and "runtime error" not in err, err
            assert bool(out) != bool(err), (out, err)


def commands_of(path):
    """What the comment at the top of an example tells to type."""
    with open(path, encoding="utf-8") as f:
        lines = [re.fullmatch(r"(?: \*|--|//!) {4,}(.*)\n", line)
                 for line in f.read().split("#include")[0].splitlines(True)]
    text = "\n".join(line[1] for line in lines if line)
    return text[text.index("gvisord"):]


def test_what_the_comments_tell_to_type():
    where = os.path.join(WHERE.name, "copy")
    shutil.copytree(EXAMPLES, where)
    os.symlink(GVISORD, os.path.join(WHERE.name, "gvisord"))
    files = [name + kind for name in NAMES for kind in (".c", ".lua")]
    with Daemon("--unsafe-native") as d:
        env = dict(os.environ, GVISORD_SOCKET=d.socket,
                   PATH=WHERE.name + ":" + os.environ["PATH"])
        for file in [*files, "hello.cpp"]:
            script = commands_of(os.path.join(where, file))
            has(script, "gvisord invoke " + file.split(".")[0])
            status, out, err = command("sh", "-ec", script, env=env, cwd=where)
            same((file, status, err), (file, 0, ""))
            request = re.search(r"invoke \w+[\s\\]+'(.*)'", script)[1]
            want = KNOWN[file.split(".")[0]](**json.loads(request))
            same((file, answer(out.splitlines()[-1])), (file, want))


def test_wrong_escapes():
    program = os.path.join(WHERE.name, "sha256")
    for text in ("\\x", "\\u12g4", "\\u123", "\\ud83d", "\\ud83dx", "\\ude00",
                 "\\ud83d\\u0041", "\t", "\x1f", "\\\n"):
        status, out, err = command(program, f'"{text}"')
        same((text, status, out), (text, 1, ""))
        has(err, "must be a string")


if __name__ == "__main__":
    run(sys.modules[__name__])
