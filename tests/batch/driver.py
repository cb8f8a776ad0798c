# SPDX-License-Identifier: MIT
"""A batch under test: lines in, events out, every wait bounded, and what a test checks again and again."""
import hashlib
import json
import os
import queue
import signal
import struct
import subprocess
import threading
import time
import zlib
from pathlib import Path

TIMEOUT = 300 if os.environ.get("TW_SANITIZED") else 100


def check(holds, *said):
    if not holds:
        raise AssertionError(" ".join(map(str, said)) or "does not hold")


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def make_picture(path, width, height, seed=0):
    """A PNG of stripes and grain; quick to make, the same bytes each time."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    grain = b"".join(hashlib.sha256(bytes((seed & 255, i & 255, i >> 8))).digest() for i in range(width * 3 // 32 + 1))
    rows = b"".join(b"\0" + bytes((grain[(i + 7 * y) % (width * 3)] >> 2) + (80 if (i // 48 + y // 16) % 2 else 20)
                                  for i in range(width * 3)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
    return str(path)


class Batch:
    """tilewright batch with `options`, in the folder `work`. `events` holds all that was read so far."""

    def __init__(self, program, work, *options):
        env = dict(os.environ, XDG_CACHE_HOME=str(work / "cache"), XDG_DATA_HOME=str(work / "data"), TMPDIR=str(work))
        self.process = subprocess.Popen([program, "batch", "--quiet", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=work, env=env)
        self.events, self.lines, self.logs = [], queue.Queue(), []
        self.ended, self.looked = [], 0
        self.readers = [threading.Thread(target=self._read, daemon=True), threading.Thread(target=self._log, daemon=True)]
        for reader in self.readers:
            reader.start()
        self.hello = self.next("hello")

    def _read(self):
        for line in self.process.stdout:
            self.lines.put((time.monotonic(), line))
        self.lines.put(None)

    def _log(self):
        self.logs += self.process.stderr

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, **command):
        self.write(json.dumps(command).encode() + b"\n")

    def run(self, name, source, target, **more):
        self.send(cmd="run", id=name, op="upscale", input=str(source), output=target if isinstance(target, dict) else str(target), **more)

    def next(self, kind=None, name=None):
        """The next event of that kind and id; those before it are kept in `events`, too. None at the end of the output."""
        while True:
            found = self.lines.get(timeout=TIMEOUT)
            if found is None:
                return None
            at, line = found
            check(line.endswith(b"\n") and len(line) <= self.limit() + 1, "not one whole line", line[:200])
            event = json.loads(line.decode("utf-8"))
            event["at"] = at
            self.events.append(event)
            if (kind is None or event["event"] == kind) and (name is None or event.get("id") == name):
                return event

    def limit(self):
        return self.events[0]["line_limit"] if self.events else 1 << 20

    def ends_of(self, name):
        return [event for event in self.events if event.get("id") == name and event["event"] in ("result", "error")]

    def ends_of_all(self):
        """Results and errors so far, counted as they come: events are looked at once."""
        for event in self.events[self.looked:]:
            if event["event"] in ("result", "error"):
                self.ended.append(event)
        self.looked = len(self.events)
        return self.ended

    def error(self, line=None):
        event = self.next("error")
        check(event and "\n" not in event["message"] and event["message"], "no error", event)
        check(line is None or event.get("line") == line, "line", line, event)
        return event

    def status(self, key):
        """A size of /proc/PID/status, bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(key)

    def finish(self, code=0):
        """Ends the input, reads what is left, and gives the summary, which must be last. Any exit code will do for None."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        while self.next():
            pass
        got = self.process.wait(TIMEOUT)
        for reader in self.readers:
            reader.join(TIMEOUT)
        check(code is None or got == code, "exit code", got, "wanted", code, b"".join(self.logs).decode(errors="replace"))
        check(self.events[-1]["event"] == "summary", "last is", self.events[-1])
        return self.events[-1]

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(TIMEOUT)
