#!/usr/bin/env python3
"""The tables of docs/invocation.md are what happens.

Compiles the daemon so that it notes every function it enters
(invocation_trace.c), has it make a warm and a cold invocation
(invocation_calls.sh), here and in the PKU machine, and compares: of the
functions a table names, the rows of the trusted side must have been entered in
the table's order, each as often as it stands there.

usage: invocation.py ROOT [--here | --machine]   (default: both)
"""

import difflib
import os
import re
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXCLUDED = "_in.c,.h,/llhttp/"  # inside code, inline functions, the parser
STT_FUNC, STT_FILE, SHT_SYMTAB = 2, 4, 2


def rows(text, heading):
    """(file, function, what, rights) of the table under a heading."""
    section = re.search(r"^## %s$(.*?)(?=^## |\Z)" % re.escape(heading), text,
                        re.M | re.S)
    pattern = r"^\| `([^`]+)` \| `(\w+)` \| (.*?) \| (.*?) \|$"
    return re.findall(pattern, section[1], re.M)


def trusted(table, keys):
    """The names of the rows that can be noted, in order."""
    return [name for file, name, what, rights in table
            if file.endswith(".c") and rights.startswith("T")
            and (keys or not what.startswith("keys only"))]


def symbols(path):
    """{address: name} of functions, and the address of trace_start."""
    with open(path, "rb") as f:
        data = f.read()
    shoff, = struct.unpack_from("<Q", data, 40)
    each, count = struct.unpack_from("<HH", data, 58)
    names, start = {}, None
    for i in range(count):
        section = struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * each)
        if section[1] != SHT_SYMTAB:
            continue
        strings = struct.unpack_from(
            "<IIQQQQIIQQ", data, shoff + section[6] * each)[4]
        for at in range(section[4], section[4] + section[5], section[9]):
            name, info, _, _, va, _ = struct.unpack_from("<IBBHQQ", data, at)
            if info & 15 != STT_FUNC:
                continue
            begin = strings + name
            text = data[begin:data.index(b"\0", begin)].decode()
            # What the compiler split off or copied counts as the original.
            names.setdefault(va, text.split(".")[0])
            if text == "trace_start":
                start = va
    return names, start


def read_trace(text, binary):
    """[(thread, function name)] in the order of entry."""
    names, start = symbols(binary)
    first, *lines = text.splitlines()
    slide = int(first, 16) - start
    trace = []
    for line in lines:
        thread, address = line.split()
        trace.append((thread, names.get(int(address, 16) - slide, "?")))
    return trace


def position(trace, name, start, step):
    """Where name is entered next from start; complains if it is not."""
    at = start
    while 0 <= at < len(trace):
        if trace[at][1] == name:
            return at
        at += step
    sys.exit("invocation: the trace lacks " + name)


def warm(trace, table):
    """What the worker did for the first invocation."""
    call = position(trace, "rest_invoke", 0, 1)
    worker = [entry for entry in trace if entry[0] == trace[call][0]]
    call = position(worker, "rest_invoke", 0, 1)
    begin = position(worker, "received", call, -1)
    end = position(worker, "ring_enter", call, 1)
    position(worker, "ring_reap", begin, -1)
    chosen = worker[begin:end + 1]
    return ["ring_reap"] + [n for _, n in chosen if n in table]


def cold(trace, table):
    """What all threads did until the second one's run began."""
    call = position(trace, "rest_invoke", 0, 1)
    call = position(trace, "rest_invoke", call + 1, 1)
    begin = position(trace, "pool_take_warm", call, 1)
    end = position(trace, "run_begin", begin, 1)
    return [n for _, n in trace[begin:end + 1] if n in table]


def compare(where, table, seen):
    """True if they are the same; else shows how they differ."""
    if table == seen:
        return True
    print("\n".join(difflib.unified_diff(
        table, seen, "docs/invocation.md", where, lineterm="", n=2)))
    return False


def build(root, scratch):
    """The daemon that takes notes."""
    note = os.path.join(scratch, "trace.o")
    subprocess.run(["gcc", "-O2", "-c", "-o", note,
                    os.path.join(HERE, "invocation_trace.c")], check=True)
    at = os.path.join(scratch, "build")
    flags = ("-finstrument-functions "
             "-finstrument-functions-exclude-file-list=" + EXCLUDED)
    for command in (
            ["meson", "setup", at, root, "-Dtests=false",
             "-Dc_args=" + flags, "-Dc_link_args=" + note],
            ["ninja", "-C", at, "src/cli/gvisord"]):
        done = subprocess.run(
            command, env={**os.environ, "CC": "gcc"}, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(done.stdout)
    return os.path.join(at, "src/cli/gvisord")


def run(root, binary, machine):
    """The trace's text."""
    calls = os.path.join(HERE, "invocation_calls.sh")
    code = os.path.join(root, "docs/examples/hello.lua")
    command = [calls, binary, code, "software"]
    if machine:
        command = [os.path.join(root, "tests/vm/run"), "--timeout", "300",
                   "--script", calls,
                   "--file", binary, "--file", code, "--", binary, code, "mpk"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, check=False)
    if done.returncode:
        sys.exit("%s: status %d\n%s" % (
            command[0], done.returncode, done.stderr))
    return done.stdout


def main():
    """Returns the exit status."""
    root = os.path.abspath(sys.argv[1])
    machines = {"--here": [False], "--machine": [True]}.get(
        (sys.argv[2:] or [""])[0], [False, True])
    with open(os.path.join(root, "docs/invocation.md"),
              encoding="utf-8") as f:
        text = f.read()
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        binary = build(root, scratch)
        for machine in machines:
            trace = read_trace(run(root, binary, machine), binary)
            mode = "with keys" if machine else "here"
            for heading, look in (("A warm one", warm),
                                  ("What a cold one adds", cold)):
                table = trusted(rows(text, heading), machine)
                good &= compare("%s, %s" % (heading, mode), table,
                                look(trace, set(table)))
                print("%s, %s: %d rows" % (heading, mode, len(table)))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
