# SPDX-License-Identifier: MIT
"""A server under test: the real program on a free port of 127.0.0.1, and requests to it with the standard library's client."""
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "batch"))
from driver import TIMEOUT, check, make_picture, sha256  # noqa: E402,F401  pylint: disable=unused-import,wrong-import-position

BOUNDARY = "tilewright-part"


class Answer:
    def __init__(self, got):
        self.status, self.headers, self.body = got.status, got.headers, got.read()

    def json(self):
        return json.loads(self.body.decode("utf-8"))

    def error(self, status, *words):
        """The code of an error that has this status, one line, and these words in it."""
        check(self.status == status, "status", self.status, "wanted", status, self.body[:300])
        check(self.headers["Content-Type"] == "application/json", self.headers)
        error = self.json()["error"]
        check(set(error) == {"code", "message"} and error["message"] and "\n" not in error["message"], error)
        for word in words:
            check(word in error["message"], word, "is not in", error)
        return error["code"]


def multipart(fields, files):
    """Fields are (name, text), files (name, file name, bytes)."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode() for name, text in fields]
    for name, label, data in files:
        parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{label}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class Server:
    def __init__(self, program, work, *options):
        env = dict(os.environ, XDG_CACHE_HOME=str(work / "cache"), XDG_DATA_HOME=str(work / "data"), TMPDIR=str(work))
        self.work, self.token = work, None
        self.log = open(work / "serve.log", "ab")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen([program, "serve", "--port", "0", *options], stdout=subprocess.PIPE, stderr=self.log, cwd=work,
                                        env=env)
        line = self.process.stdout.readline().decode()
        check(line.startswith("tilewright: serving http://"), "said", line, (work / "serve.log").read_text())
        self.port = int(line.rsplit(":", 1)[1])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def ask(self, method, path, body=None, headers=None):
        connection = self.connect()
        headers = dict(headers or {})
        if self.token:
            headers.setdefault("Authorization", "Bearer " + self.token)
        try:
            try:
                connection.request(method, path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all of a long body was sent: the answer is there
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, *pictures, files=(), **fields):
        """A job as multipart, of the operator upscale where no other is named."""
        fields.setdefault("op", "upscale")
        given = [("input", Path(p).name, Path(p).read_bytes()) for p in pictures] + list(files)
        return self.ask("POST", "/v1/jobs", multipart(fields.items(), given),
                        {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY})

    def post_json(self, **members):
        return self.ask("POST", "/v1/jobs", json.dumps(members), {"Content-Type": "application/json"})

    def job(self, name):
        answer = self.get("/v1/jobs/" + name)
        check(answer.status == 200, answer.status, answer.body)
        return answer.json()

    def wait(self, answer, state="done"):
        """The job that `answer` took, when it has ended."""
        check(answer.status == 202, answer.status, answer.body[:300])
        name, last = answer.json()["id"], time.monotonic() + TIMEOUT
        while time.monotonic() < last:
            job = self.job(name)
            if job["state"] not in ("waiting", "running"):
                check(job["state"] == state, job)
                return job
            time.sleep(0.02)
        raise AssertionError("does not end")

    def result(self, job):
        answer = self.get(job["result"]["url"])
        check(answer.status == 200 and len(answer.body) == job["result"]["bytes"], answer.status)
        return answer.body

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(f"tilewright_{name} "):
                return float(line.split()[1])
        raise AssertionError(name)

    def peak(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("VmHWM")

    def stop(self, number=signal.SIGTERM, code=0):
        self.process.send_signal(number)
        got = self.process.wait(TIMEOUT)
        self.process.stdout.close()
        self.log.close()
        said = (self.work / "serve.log").read_text(errors="replace")
        check(got == code, "exit code", got, said[-3000:])
        check(number == signal.SIGKILL or not self.spools(), "left over", self.spools())
        return said

    def spools(self):
        return [p for p in self.work.iterdir() if p.name.startswith("tilewright-serve-")]
