"""One QEMU process, and the bytes that go in and out of it.

The program's stdout and stderr, the report of its end and the kernel's
console each have a socket of their own, so nothing mixes. How a stream
ends is told in the file init.
"""

import ctypes
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time

from kernel import MachineError

QEMU = "qemu-system-x86_64"
# Threads of the emulator lose a race against the kernel when it patches its
# own code while another CPU runs it ("Oops: int3"; about one boot in a
# hundred). A kernel that boots on one CPU has done nearly all its patching
# before init turns the others on. A given lpj spares these the calibration,
# which takes 1.5 s; the value only scales short busy waits. The ciphers'
# self test would go on in the background for a while.
COMMAND_LINE = ("console=ttyS0", "panic=-1", "maxcpus=1", "lpj=10000000",
                "noreplace-smp", "cryptomgr.notests")
CONSOLE_KEPT = 1 << 18  # bytes of kernel console remembered
CONSOLE_SHOWN = 30  # lines of it after a failure

def die_with_parent():
    """In the child: should we be killed outright, it goes with us."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Stream:
    """Passes bytes on until the token that ends the stream."""

    def __init__(self, fd, token):
        self.fd = fd
        self.token = token
        self.held = b""  # what may yet turn out to be the token
        self.ended = False

    def feed(self, data):
        """Takes what came and writes all that cannot be the token."""
        data = self.held + data
        at = data.find(self.token)
        if at >= 0:
            self.ended = True
            write_all(self.fd, data[:at])
            return
        keep = min(len(self.token) - 1, len(data))
        while keep and not self.token.startswith(data[-keep:]):
            keep -= 1
        self.held = data[len(data) - keep:]
        write_all(self.fd, data[:len(data) - keep])


def write_all(fd, data):
    """Writes to a descriptor, whatever it takes."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view):]
        except BlockingIOError:
            selector = selectors.DefaultSelector()
            selector.register(fd, selectors.EVENT_WRITE)
            selector.select()


class Machine:
    """One QEMU process and our ends of its channels."""

    def __init__(self, options, image_fd, plan):
        self.options = options
        self.image_fd = image_fd
        token = plan["token"].encode()
        self.streams = {"out": Stream(1, token),
                        "err": Stream(1 if plan["streams"] == "one" else 2,
                                      token)}
        self.console = b""
        self.report = b""
        self.started = time.monotonic()
        self.up_at = None
        self.process = None
        self.selector = selectors.DefaultSelector()
        self.theirs = {}

    def _channel(self, name):
        ours, theirs = socket.socketpair()
        self.selector.register(ours, selectors.EVENT_READ, name)
        self.theirs[name] = theirs

    def _arguments(self, archive_fd):
        options = self.options
        append = [*COMMAND_LINE, *options.append]
        if not options.verbose:
            append.insert(0, "quiet")
        accel, smp = "tcg,thread=multi", options.smp
        if options.in_turn:
            accel = "tcg,thread=single"
        clock = []
        if options.icount:
            # sleep=off: idle time passes at once instead of in real time
            accel, smp = "tcg,thread=single", 1
            clock = ["-icount", "shift=0,sleep=off"]
        arguments = [
            QEMU, "-M", "q35", "-accel", accel, *clock,
            "-cpu", ",".join(["max", "-smap", *options.cpu]),
            "-smp", str(smp), "-m", options.mem,
            "-nodefaults", "-no-user-config", "-display", "none",
            "-no-reboot",
            "-kernel", f"/proc/self/fd/{self.image_fd}",
            "-initrd", f"/proc/self/fd/{archive_fd}",
            "-append", " ".join(append),
            "-device", "virtio-serial-pci"]
        for number, name in enumerate(("console", "out", "err", "report")):
            fd = self.theirs[name].fileno()
            arguments += ["-chardev", f"socket,id={name},fd={fd}"]
            if name == "console":
                arguments += ["-serial", "chardev:console"]
            else:
                arguments += ["-device", f"virtserialport,chardev={name},"
                              f"nr={number},name={name}"]
        if options.shell:
            arguments += ["-chardev", "stdio,id=tty,signal=off",
                          "-device", "virtconsole,chardev=tty,nr=0"]
        if options.net:
            forwards = "".join(f",hostfwd=tcp:127.0.0.1:{h}-:{g}"
                               for h, g in options.forward)
            arguments += ["-netdev", "user,id=net" + forwards, "-device",
                          "virtio-net-pci,netdev=net,romfile="]
        return arguments

    def start(self, archive_fd):
        """Starts QEMU; its own complaints go where the console goes."""
        for name in ("console", "out", "err", "report"):
            self._channel(name)
        fds = [s.fileno() for s in self.theirs.values()]
        shell = self.options.shell
        with open(os.devnull, "rb") as null:
            self.process = subprocess.Popen(
                self._arguments(archive_fd),
                stdin=None if shell else null,
                stdout=None if shell else self.theirs["console"],
                stderr=self.theirs["console"],
                pass_fds=[*fds, self.image_fd, archive_fd],
                start_new_session=not shell, preexec_fn=die_with_parent)
        for theirs in self.theirs.values():
            theirs.close()

    def serve(self):
        """Moves bytes until the program's end; returns its status."""
        while self.selector.get_map():
            for key, _ in self.selector.select():
                try:
                    data = key.fileobj.recv(1 << 16)
                except ConnectionResetError:
                    data = b""
                if not data:
                    self.selector.unregister(key.fileobj)
                else:
                    self._take(key.data, data)
            status = self._status()
            if status is not None:
                if self.options.verbose:
                    self._show_times()
                return status
        if self.up_at is None:
            raise MachineError("the machine did not boot, see above")
        why = "see above"
        if b"Oops: int3" in self.console:
            why = ("the emulator lost a race with the kernel patching its "
                   "code; try again, or with --in-turn")
        raise MachineError("the machine stopped before the program ended: "
                           + why)

    def failed_at_boot(self):
        """Whether the kernel tripped, and before the program began."""
        return self.up_at is None and b"Oops: " in self.console

    def _take(self, name, data):
        if name == "console":
            self.console = (self.console + data)[-CONSOLE_KEPT:]
            if self.options.verbose:
                write_all(2, data)
        elif name == "report":
            self.report += data
            if self.up_at is None:
                self.up_at = time.monotonic()
        else:
            self.streams[name].feed(data)

    def _status(self):
        """The reported status, once all output before it has come."""
        match = re.search(rb"^status (\d+)\n", self.report, re.M)
        if not match:
            return None
        ended = all(s.ended for s in self.streams.values())
        return int(match[1]) if ended or self.options.shell else None

    def stop(self):
        """Ends QEMU at once; nothing in it is worth a shutdown."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def _show_times(self):
        now = time.monotonic()
        print(f"vm: boot {self.up_at - self.started:.2f} s, "
              f"program {now - self.up_at:.2f} s", file=sys.stderr)

    def show_console(self):
        """What the kernel and QEMU had to say, after a failure."""
        if self.options.verbose or not self.console.strip():
            return
        lines = self.console.decode(errors="replace").splitlines()
        for line in lines[-CONSOLE_SHOWN:]:
            print(f"vm: | {line}", file=sys.stderr)
