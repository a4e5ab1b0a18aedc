"""The file system of the PKU machine, made anew for every run.

It lives in memory, unpacked by the kernel from one cpio archive: busybox,
the given programs and files, the shared libraries they need, and a handful
of directories. A file of this host has the same path in the machine
unless told otherwise.
"""

import os
import re
import shutil
import stat
import subprocess

from kernel import MachineError

MERGED = ("bin", "sbin", "lib", "lib64")
TEMPORARY = ("tmp", "run", "var/tmp")
DIRECTORIES = ("dev", "proc", "sys", "mnt", "root", "etc", "usr/bin",
               "usr/lib", "usr/lib64", "vm")
ETC = {
    "hostname": "gvisord-vm\n",
    "hosts": "127.0.0.1 localhost gvisord-vm\n",
    "passwd": "root:x:0:0:root:/root:/bin/sh\n"
              "nobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "resolv.conf": "nameserver 10.0.2.3\n",
}


class Tree:
    """The guest's files, collected and then written as one cpio archive.

    The archive is the kernel's "newc" format, uncompressed: unpacking under
    emulation costs more than copying. All files belong to root.
    """

    def __init__(self):
        self.entries = {}  # guest path without leading slash -> (mode, data)
        self.elf = []  # host paths whose libraries are wanted
        for name in DIRECTORIES:
            self.directory(name)
        for name in TEMPORARY:
            self.directory(name, 0o1777)
        self.link("usr/sbin", "bin")
        for name in MERGED:
            self.link(name, "usr/" + name)
        for name, text in ETC.items():
            self.data("etc/" + name, text)

    def _place(self, path):
        """Normal form of a guest path: links followed, parents made."""
        at = ""
        parts = os.path.normpath("/" + path).split("/")[1:]
        for depth, part in enumerate(parts):
            at = os.path.join(at, part)
            last = depth == len(parts) - 1
            mode, data = self.entries.get(at, (0, b""))
            if stat.S_ISLNK(mode) and not last:
                at = os.path.normpath(os.path.join(
                    "/", os.path.dirname(at), data.decode()))[1:]
            elif not last and not stat.S_ISDIR(mode):
                self.entries[at] = (stat.S_IFDIR | 0o755, b"")
        return at

    def directory(self, path, mode=0o755):
        """Makes a directory and its parents."""
        at = self._place(path)
        if at and at not in self.entries:
            self.entries[at] = (stat.S_IFDIR | mode, b"")

    def link(self, path, target):
        """Makes a symbolic link."""
        self.entries[self._place(path)] = (stat.S_IFLNK | 0o777,
                                           os.fsencode(target))

    def data(self, path, content, mode=0o644):
        """Makes a file of the given content."""
        if isinstance(content, str):
            content = os.fsencode(content)
        self.entries[self._place(path)] = (stat.S_IFREG | mode, content)

    def host(self, source, path=None):
        """Copies a file or a whole directory of this host."""
        path = path or os.path.abspath(source)
        if not os.path.isdir(source):
            self._host_file(source, path)
            return
        self.directory(path)
        for root, directories, files in os.walk(source):
            below = os.path.join(path, os.path.relpath(root, source))
            for name in directories + files:
                self._host_entry(os.path.join(root, name),
                                 os.path.join(below, name))

    def _host_entry(self, source, path):
        mode = os.lstat(source).st_mode
        if stat.S_ISLNK(mode):
            self.link(path, os.readlink(source))
        elif stat.S_ISDIR(mode):
            self.directory(path, stat.S_IMODE(mode))
        elif stat.S_ISREG(mode):
            self._host_file(source, path)

    def _host_file(self, source, path):
        try:
            with open(source, "rb") as f:
                mode = os.fstat(f.fileno()).st_mode
                content = f.read()
        except OSError as e:
            raise MachineError(f"cannot read {source}: {e.strerror}") from e
        self.data(path, content, stat.S_IMODE(mode))
        if content.startswith(b"\x7fELF"):
            self.elf.append(source)
        elif content.startswith(b"#!") and mode & 0o111:
            self._interpreter(content)

    def _interpreter(self, script):
        """Brings what a "#!" line names, unless busybox will be it."""
        words = os.fsdecode(script[2:].split(b"\n")[0]).split()
        if not words or words[0] == "/bin/sh":
            return
        wanted = words[:1]
        if os.path.basename(words[0]) == "env" and len(words) > 1:
            wanted.append(shutil.which(words[1]) or "")
        for name in wanted:
            if os.path.exists(name):
                self.host(name)

    def libraries(self):
        """Adds the shared libraries of every program copied so far."""
        if not self.elf:
            return
        listing = subprocess.run(["ldd", *self.elf], capture_output=True,
                                 text=True, check=False).stdout
        missing = re.findall(r"^\s*(\S+) => not found", listing, re.M)
        if missing:
            raise MachineError("libraries not found here: "
                               + " ".join(sorted(set(missing))))
        found = set(re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", listing, re.M))
        if not found:
            return
        for name in sorted(found):
            self._host_file(name, name)
            # glibc opens it by name when a thread ends or is cancelled
            if os.path.basename(name) == "libc.so.6":
                extra = os.path.join(os.path.dirname(name), "libgcc_s.so.1")
                if extra not in found and os.path.exists(extra):
                    self._host_file(extra, extra)
        if os.path.exists("/etc/ld.so.cache"):
            self._host_file("/etc/ld.so.cache", "/etc/ld.so.cache")

    def archive(self):
        """The whole tree as an archive, in an open file without a name."""
        fd = os.memfd_create("initramfs")
        with os.fdopen(os.dup(fd), "wb") as out:
            number = 0
            # A parent's name sorts before its children's.
            for path, (mode, data) in sorted(self.entries.items()):
                number += 1
                self._member(out, number, os.fsencode(path), mode, data)
            self._member(out, 0, b"TRAILER!!!", 0, b"")
        return fd

    @staticmethod
    def _member(out, number, name, mode, data):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
                  len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % n for n in fields) + name
        out.write(head + bytes(4 - len(head) % 4))
        out.write(data + bytes(-len(data) % 4))


def find_busybox():
    """Where this host has busybox, or None."""
    for name in ("/bin/busybox", "/usr/bin/busybox"):
        if os.access(name, os.X_OK):
            return name
    return shutil.which("busybox")


def add_busybox(tree):
    """The guest's tools; given files replace those of the same name."""
    program = find_busybox()
    tree.host(program, "/vm/busybox")
    applets = subprocess.run([program, "--list"], capture_output=True,
                             text=True, check=True).stdout
    for name in applets.split():
        tree.link("usr/bin/" + name, "/vm/busybox")
