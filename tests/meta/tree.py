"""What the house checks share: which files there are, how a function looks."""

import os
import re

CODE_DIRS = ("include", "pkey", "sandbox", "src", "tests", "bench",
             "docs/examples")


def sources(root, suffixes, dirs=CODE_DIRS):
    """Paths below root, with /, sorted."""
    found = []
    for top in dirs:
        for where, subdirs, names in os.walk(os.path.join(root, top)):
            subdirs[:] = [d for d in subdirs if not d.startswith(".")]
            found += [os.path.relpath(os.path.join(where, name), root)
                      for name in names if name.endswith(suffixes)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def blank(text):
    """The text with comments, literals and directives blanked out, line breaks
    kept, so that braces count."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    text = pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    directive = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
    return directive.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
