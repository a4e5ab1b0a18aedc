"""A file's text as a C string. usage: embed.py FILE NAME, to stdout."""

import json
import sys

with open(sys.argv[1], encoding="ascii") as text:
    print("extern const char {0}[];\nconst char {0}[] =".format(sys.argv[2]))
    for line in text:
        print("\t" + json.dumps(line))
    print("\t;")
