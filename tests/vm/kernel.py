"""The kernel of the PKU machine: fetched once, kept in a cache, verified.

A stock Debian kernel is taken out of its package without being installed:
apt-get checks the download against the signed archive index, dpkg-deb
unpacks it, and what the machine needs stays in the cache directory:

    kernel/manifest.json   the package's name and each file's SHA-256
    kernel/kernel          the uncompressed ELF image, or the bzImage
    kernel/NAME.ko         the network driver and what it depends on

Two runs may start at once on an empty cache: whoever gets the lock builds
a directory beside the final one and renames it into place; the other finds
it there. Every start compares all digests, and what does not match is
built anew.
"""

import fcntl
import hashlib
import json
import lzma
import os
import re
import shutil
import struct
import subprocess
import tempfile

# The first version that writes the signal frame with every key open.
MINIMUM = (6, 12)
NAME = r"linux-image-(\d+)\.(\d+)\.([\d.]+)\+deb\d+-cloud-amd64"
DRIVER = "virtio_net"
DEPENDENCY_STEPS = 16


class MachineError(Exception):
    """The machine itself failed; the text names the remedy."""


class Kernel:
    """An open, verified kernel image and the driver modules beside it."""

    def __init__(self, package, image_fd, modules):
        self.package = package
        self.image_fd = image_fd
        self.modules = modules  # [(name, bytes)], in order of loading


def get(cache, deb=None, refresh=False):
    """Returns the cached kernel, building the cache first if need be."""
    target = os.path.join(cache, "kernel")
    if not refresh and not deb:
        kernel = _open_verified(target)
        if kernel:
            return kernel
    try:
        os.makedirs(cache, exist_ok=True)
        lock = os.open(os.path.join(cache, "lock"),
                       os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as e:
        raise MachineError(f"cannot use the cache {cache}: {e.strerror}; "
                           "name another with --cache DIR") from e
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernel = None if refresh or deb else _open_verified(target)
        if kernel is None:
            _build(cache, target, deb)
            kernel = _open_verified(target)
        if kernel is None:
            raise MachineError(f"{target} does not verify right after it was "
                               "written; is the disk full or failing?")
        return kernel
    finally:
        os.close(lock)


def _digest(fd):
    """SHA-256 of an open file, from its start."""
    h = hashlib.sha256()
    at = 0
    while block := os.pread(fd, 1 << 20, at):
        h.update(block)
        at += len(block)
    return h.hexdigest()


def _open_verified(target):
    """Opens a finished cache directory; None if anything is amiss.

    The image is digested and later booted through one descriptor, so that
    nothing can be exchanged between the look and the use.
    """
    image_fd = None
    try:
        with open(os.path.join(target, "manifest.json"), "rb") as f:
            manifest = json.load(f)
        package, files = manifest["package"], manifest["files"]
        image_fd = os.open(os.path.join(target, "kernel"),
                           os.O_RDONLY | os.O_CLOEXEC)
        if _digest(image_fd) != files["kernel"]:
            raise ValueError("kernel")
        modules = []
        for name in manifest["modules"]:
            with open(os.path.join(target, name), "rb") as f:
                data = f.read()
            if hashlib.sha256(data).hexdigest() != files[name]:
                raise ValueError(name)
            modules.append((name, data))
    except (OSError, ValueError, KeyError, TypeError):
        if image_fd is not None:
            os.close(image_fd)
        return None
    return Kernel(package, image_fd, modules)


def _build(cache, target, deb):
    """Fetches and unpacks into a new directory, then renames. Lock held."""
    for left in os.listdir(cache):  # of a run that was killed at this
        if left.startswith("new."):
            shutil.rmtree(os.path.join(cache, left), ignore_errors=True)
    new = tempfile.mkdtemp(prefix="new.", dir=cache)
    try:
        if deb is None:
            deb = _download(new)
        tree = os.path.join(new, "tree")
        _run(["dpkg-deb", "-x", deb, tree], "cannot unpack the kernel package")
        out = os.path.join(new, "kernel")
        os.mkdir(out)
        package = os.path.basename(deb).split("_")[0]
        _fill(tree, out, package)
        if os.path.isdir(target):
            os.rename(target, os.path.join(new, "old"))
        os.rename(out, target)
    except OSError as e:
        raise MachineError(f"cannot fill the cache {cache}: {e}") from e
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _fill(tree, out, package):
    """Writes image, modules and manifest of the unpacked package to out."""
    boot = os.path.join(tree, "boot")
    images = []
    if os.path.isdir(boot):
        images = [n for n in os.listdir(boot) if n.startswith("vmlinuz-")]
    if len(images) != 1:
        raise MachineError(f"{package} holds no kernel image; give a "
                           "linux-image-*-cloud-amd64 package")
    with open(os.path.join(boot, images[0]), "rb") as f:
        contents = {"kernel": _uncompress_image(f.read())}
    modules = _closure(tree)
    contents.update(modules)
    for name, data in contents.items():
        with open(os.path.join(out, name), "wb") as f:
            f.write(data)
    manifest = {
        "package": package,
        "modules": list(modules),
        "files": {name: hashlib.sha256(data).hexdigest()
                  for name, data in contents.items()},
    }
    with open(os.path.join(out, "manifest.json"), "w",
              encoding="utf-8") as f:
        json.dump(manifest, f, indent=1)


def _download(into):
    """Fetches the newest fitting kernel package with apt-get."""
    listing = _run(["apt-cache", "pkgnames", "linux-image-"],
                   "cannot list kernel packages")
    found = []
    for name in listing.split():
        match = re.fullmatch(NAME, name)
        if not match:
            continue
        version = [int(match[1]), int(match[2])]
        version += [int(n) for n in match[3].split(".")]
        if tuple(version[:2]) >= MINIMUM:
            found.append((version, name))
    if not found:
        raise MachineError(
            "apt knows no linux-image-6.12*-cloud-amd64 package; add the "
            "suite bookworm-security (or bookworm-backports) to the apt "
            "sources and run apt-get update, or give a package with --deb")
    name = max(found)[1]
    _run(["apt-get", "download", "-q", name],
         f"cannot download {name} (run apt-get update?)", cwd=into)
    for file in os.listdir(into):
        if file.endswith(".deb"):
            return os.path.join(into, file)
    raise MachineError(f"apt-get download {name} left no package behind")


def _run(command, complaint, cwd=None):
    """Runs a command and returns its output; a failure is the machine's."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True,
                              text=True, check=False,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError as e:
        raise MachineError(f"{complaint}: there is no {command[0]} here; "
                           "fill the cache on a Debian host") from e
    if done.returncode:
        raise MachineError(f"{complaint}: {done.stderr.strip()[-500:]}")
    return done.stdout


def _uncompress_image(image):
    """The ELF kernel inside a bzImage: the emulator need not unpack it.

    That saves about a second of every start. Offsets are those of the x86
    boot protocol; the last four bytes of the payload are its plain size.
    An unknown compression, or no zstd here, yields the bzImage itself.
    """
    if image[0x202:0x206] != b"HdrS":
        return image
    setup = image[0x1f1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup + 1) * 512 + offset
    payload = image[start:start + length - 4]
    if payload.startswith(b"\xfd7zXZ"):
        plain = lzma.decompress(payload)
    elif payload.startswith(b"\x28\xb5\x2f\xfd") and shutil.which("zstd"):
        plain = subprocess.run(["zstd", "-dcq"], input=payload, check=False,
                               stdout=subprocess.PIPE).stdout
    else:
        return image
    return plain if plain.startswith(b"\x7fELF") else image


def _closure(tree):
    """{file name: bytes} of the network driver, dependencies first."""
    paths = {}
    for root, _, files in os.walk(os.path.join(tree, "lib/modules")):
        for name in files:
            if ".ko" in name:
                key = name.split(".ko")[0].replace("-", "_")
                paths[key] = os.path.join(root, name)
    ordered = {}

    def add(name, steps):
        if name + ".ko" in ordered or name not in paths or steps == 0:
            return  # built in, or already there
        data = _module_bytes(paths[name])
        match = re.search(rb"\0depends=([^\0]*)\0", data)
        for needed in match[1].decode().split(",") if match else []:
            add(needed.replace("-", "_"), steps - 1)
        ordered[name + ".ko"] = data

    add(DRIVER, DEPENDENCY_STEPS)
    return ordered


def _module_bytes(path):
    with open(path, "rb") as f:
        data = f.read()
    return lzma.decompress(data) if path.endswith(".xz") else data
