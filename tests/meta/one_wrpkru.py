#!/usr/bin/env python3
"""WRPKRU, XRSTOR, WRFSBASE and WRGSBASE stand in the gate and nowhere else.

Reads the bytes of every executable segment of the shipped binary, at every
offset, and asks the symbol table whose they are. It shares no code with the
scanner that the daemon runs over itself, so that neither hides the other's
mistakes.

usage: one_wrpkru.py BINARY
"""

import re
import struct
import sys

NAMES = (
    (b"\x0f\x01\xef", "WRPKRU"),
    (b"\x0f\xae[\x28-\x2f\x68-\x6f\xa8-\xaf]", "XRSTOR"),
    (b"\x0f\xae[\xd0-\xdf]", "WRFSBASE/WRGSBASE"),
    (b"\xd5[\x80-\xff](?:\x01\xef|\xae[\x28-\x2f\x68-\x6f\xa8-\xaf\xd0-\xdf])",
     "one of them with REX2"),
)
# Each may be found at a start that another match covers: look ahead, take 0.
PATTERNS = [(re.compile(b"(?=" + p + b")", re.S), name) for p, name in NAMES]

GATE = "gate_"
PF_X, PT_LOAD, SHT_SYMTAB, STT_FUNC = 1, 1, 2, 2


class Elf:
    def __init__(self, data):
        self.data = data
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("no 64-bit little-endian ELF file")
        (self.phoff, self.shoff) = struct.unpack_from("<QQ", data, 32)
        (self.phentsize, self.phnum, self.shentsize, self.shnum) = \
            struct.unpack_from("<HHHH", data, 54)

    def code(self):
        """(address, bytes) of executable segments."""
        for i in range(self.phnum):
            at = self.phoff + i * self.phentsize
            kind, flags, off, va, _, size = struct.unpack_from(
                "<IIQQQQ", self.data, at)
            if kind == PT_LOAD and flags & PF_X:
                yield va, self.data[off:off + size]

    def section(self, i):
        return struct.unpack_from(
            "<IIQQQQIIQQ", self.data, self.shoff + i * self.shentsize)

    def functions(self):
        """(start, end, name) of function symbols that have a size."""
        for i in range(self.shnum):
            _, kind, _, _, off, size, link, _, _, each = self.section(i)
            if kind != SHT_SYMTAB:
                continue
            names = self.section(link)[4]
            for at in range(off, off + size, each):
                name, info, _, _, va, n = struct.unpack_from(
                    "<IBBHQQ", self.data, at)
                if info & 15 == STT_FUNC and n:
                    begin = names + name
                    end = self.data.index(b"\0", begin)
                    yield va, va + n, self.data[begin:end].decode()


def main():
    with open(sys.argv[1], "rb") as f:
        elf = Elf(f.read())
    owners = sorted(elf.functions())
    if not owners:
        print("no symbol table: whose code it is can't be told")
        return 1
    in_gate = 0
    bad = 0
    for base, code in elf.code():
        for pattern, name in PATTERNS:
            for m in pattern.finditer(code):
                at = base + m.start()
                whose = [n for a, b, n in owners if a <= at < b]
                if whose and all(n.startswith(GATE) for n in whose):
                    in_gate += name == "WRPKRU"
                    continue
                bad += 1
                print("%s at %#x, in %s" % (
                    name, at, ", ".join(whose) or "no function"))
    print("%d WRPKRU in the gate, %d sequences elsewhere" % (in_gate, bad))
    # No gate at all is a wrong binary.
    return 1 if bad or not in_gate else 0


if __name__ == "__main__":
    sys.exit(main())
