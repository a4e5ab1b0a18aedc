#!/usr/bin/env python3
"""What the documentation says about the code is so.

  links       relative links lead to files, and to headings that exist
  config      docs/config.md is what `gvisord config --markdown` prints
  rest        routes and problem codes of docs/rest.md are the program's tables
  cli         docs/cli.md has a heading for every command, and none besides
  code        files and functions named in tables exist, the one in the other
  attacks     attacks named in docs/ exist; each is named in the threat model
              and in the last run

usage: docs.py ROOT GVISORD      check
       docs.py --self-test
"""

import difflib
import glob
import os
import re
import subprocess
import sys

import tree

PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")


def pages(root):
    """All Markdown files, relative."""
    found = glob.glob(os.path.join(root, "docs/**/*.md"), recursive=True)
    found += glob.glob(os.path.join(root, "tests/**/*.md"), recursive=True)
    return sorted([os.path.relpath(p, root) for p in found] + list(PAGES))


def without_code(text):
    """The text without fenced code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def anchors(text):
    """The headings as links name them."""
    heads = re.findall(r"^#+ (.*)$", without_code(text), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
            for h in heads}


def links(root, path, text):
    """Complaints about relative links."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        at = os.path.join(root, os.path.dirname(path), file) if file else \
            os.path.join(root, path)
        if not os.path.exists(at):
            yield "%s: link to %s, which is not there" % (path, target)
        elif anchor and at.endswith(".md"):
            with open(at, encoding="utf-8") as f:
                if anchor not in anchors(f.read()):
                    yield "%s: no heading for %s" % (path, target)


def difference(path, has, wants):
    """A complaint when two lists differ, for a reader."""
    if has == wants:
        return
    yield "\n".join(difflib.unified_diff(
        has, wants, path, "the program", lineterm="", n=0))


def config(path, text, program):
    """docs/config.md against the program."""
    out = subprocess.run([program, "config", "--markdown"], text=True,
                         capture_output=True, check=True).stdout
    yield from difference(path, text.splitlines(), out.splitlines())


def table_routes(source):
    """["METHOD pattern"] of src/net/routes.c."""
    body = re.search(r"table\[\] = \{(.*?)\n\};", source, re.S)[1]
    return sorted(" ".join(m) for m in
                  re.findall(r'\{"([A-Z]+)",\s*"([^"]+)"', body))


def documented_routes(text):
    """The same of docs/rest.md, whose parameters have names."""
    found = re.findall(r"^#+ `([A-Z]+) (/[^`]*)`", text, re.M)
    return sorted(m + " " + re.sub(r"\{[^}]*\}", "{}", p) for m, p in found)


def table_problems(source):
    """["status code title"] of src/net/problem.c."""
    return sorted(
        "%s %s %s" % (status, code, title) for code, status, title in
        re.findall(r'\{"([A-Za-z.]+)",\s*(\d+),\s*"([^"]+)"', source))


def documented_problems(text):
    """The same of docs/rest.md."""
    return sorted(
        "%s %s %s" % row for row in
        re.findall(r"^\| (\d+) \| `([A-Za-z.]+)` \| ([^|]+?) \|", text, re.M))


def commands(path, text, program):
    """docs/cli.md against the list of commands."""
    out = subprocess.run([program, "--help"], text=True, capture_output=True,
                         check=True).stdout
    wants = re.findall(r"^  ([a-z]+) {2,}", out, re.M)
    has = re.findall(r"^## ([a-z]+)$", text, re.M)
    yield from difference(path, sorted(has), sorted(wants))


def defines(source, name, assembly):
    """Is the function defined in this text?"""
    if assembly:
        return re.search(r"\b%s\b" % name, source) is not None
    # A definition's name ends a declarator and has a body behind it.
    return re.search(r"^(?:\w[\w\s*]*?[\s*])?%s\([^;{]*?\)\n\{" % name, source,
                     re.M | re.S) is not None


def code(root, path, text):
    """Complaints about `file` `function` pairs, in tables and prose."""
    for file, name in re.findall(
            r"`((?:pkey|sandbox|src|include)/[\w/.]+\.[chS])`(?: \|)? `(\w+)`",
            text):
        try:
            source = tree.read(root, file)
        except OSError:
            yield "%s: there is no %s" % (path, file)
            continue
        if not defines(source, name, file.endswith(".S")):
            yield "%s: %s does not define %s" % (path, file, name)


def files(root, path, text):
    """Complaints about paths of the tree named in backquotes."""
    for file in re.findall(
            r"`((?:include|pkey|sandbox|src|tests|bench|docs)/[\w/.-]+)`",
            text):
        if not os.path.exists(os.path.join(root, file)):
            yield "%s: there is no %s" % (path, file)


def attack_ids(names):
    """Ids of the files of attacks."""
    return {name[:3].upper() for name in names if name.endswith(".c")}


def named_ids(text):
    """Ids in a text; "B01–B24" stands for all between."""
    found = set()
    for a, b in re.findall(r"\b([A-GK]\d\d)(?:–([A-GK]\d\d))?\b", text):
        last = int((b or a)[1:])
        found |= {"%s%02d" % (a[0], n) for n in range(int(a[1:]), last + 1)}
        found |= {a, b or a}
    return found


def attacks(have, model, last_run):
    """Complaints about the threat model and the table of attacks."""
    singles = set(re.findall(r"\b[A-GK]\d\d\b", model))
    for one in sorted(singles - have):
        yield "docs/threat-model.md: there is no attack %s" % one
    for one in sorted(have - named_ids(model)):
        yield "docs/threat-model.md: attack %s has no claim" % one
    rows = set(re.findall(r"^\| ([A-GK]\d\d) \|", last_run, re.M))
    for one in sorted(have ^ rows):
        yield "docs/seceval.md: %s is not of the suite, or not there" % one


def check(root, program):
    """All complaints."""
    text = {path: tree.read(root, path) for path in pages(root)}
    for path in text:
        yield from links(root, path, text[path])
        yield from code(root, path, text[path])
        yield from files(root, path, text[path])
    yield from config("docs/config.md", text["docs/config.md"], program)
    yield from commands("docs/cli.md", text["docs/cli.md"], program)
    rest = text["docs/rest.md"]
    yield from difference("docs/rest.md", documented_routes(rest),
                          table_routes(tree.read(root, "src/net/routes.c")))
    yield from difference("docs/rest.md", documented_problems(rest),
                          table_problems(tree.read(root, "src/net/problem.c")))
    have = attack_ids(os.listdir(os.path.join(root, "tests/security/attacks")))
    yield from attacks(have, text["docs/threat-model.md"],
                       text["docs/seceval.md"])


def self_test():
    """Each check finds what it is for."""
    c = ("static int a(int x,\n\tint y)\n{\n}\n"
         "int b(void);\nint c(void)\n{\n\tb(1);\n}\n")
    assert defines(c, "a", False) and defines(c, "c", False)
    assert not defines(c, "b", False) and not defines(c, "d", False)
    assert named_ids("A01, B02–B04") == {"A01", "B02", "B03", "B04"}
    run = "| A01 | x |\n| A02 | y |\n"
    assert not list(attacks({"A01", "A02"}, "A01–A02", run))
    assert len(list(attacks({"A01"}, "A01, A03", run))) == 2
    assert len(list(attacks({"A01", "A02"}, "A01", run))) == 1
    assert anchors("## What is `a`?\n```\n# no\n```\n") == {"what-is-a"}
    assert list(links("/", "x.md", "[a](/nowhere/at-all)"))
    assert not list(links("/", "x.md", "[a](https://x.example/)"))
    assert table_routes('table[] = {\n{"GET", "/a/{}", 1},\n};') == \
        documented_routes("### `GET /a/{name}`\n")
    assert table_problems('{"A.B", 400,\n"Bad"},') == \
        documented_problems("| 400 | `A.B` | Bad | hint |\n")
    assert list(difference("x", ["a"], ["b"])) and \
        not list(difference("x", ["a"], ["a"]))
    return 0


def main():
    """Returns the exit status."""
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found = list(check(sys.argv[1], os.path.abspath(sys.argv[2])))
    print("\n".join(found) or "documentation is true to the code")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
