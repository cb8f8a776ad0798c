#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""properties.py TILEWRIGHT: what /openapi.json promises, held against the running server by schemathesis (tests/http/requirements.txt,
whose Python this is): thousands of requests that the description allows and that it does not, the same ones each time."""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from client import Server, check, make_picture

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def generate(server, work, *options, config=""):
    """How many requests were made; all answers were as described."""
    (work / "schemathesis.toml").write_text(config)
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"http://127.0.0.1:{server.port}/openapi.json", "--checks", CHECKS,
               "--max-examples", "15", "--generation-deterministic", "--no-color", "--no-shrink", "--warnings", "off",
               *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, cwd=work, check=False)
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    check(done.returncode == 0 and found and found[1] == found[2], done.stdout[-6000:])
    return int(found[1])


def ask_all(server, work):
    count = generate(server, work)
    check(count > 500, count)
    print(f"ok    all requests, {count} of them", flush=True)
    job = server.wait(server.post(make_picture(work / "in.png", 60, 40), scale="2"))
    more = generate(server, work, "--include-path-regex", "/v1/jobs/.*", "--exclude-method", "DELETE", "--phases", "coverage,fuzzing",
                    config=f'[parameters]\n"path.id" = {json.dumps(job["id"])}\n')
    check(server.job(job["id"])["state"] == "done" and server.result(job), "the job is still there")
    print(f"ok    what is asked of a job that is done, {more} of them", flush=True)
    return count + more


def main(program):
    with tempfile.TemporaryDirectory(prefix="tilewright-properties-") as folder:
        work = Path(folder)
        server = Server(program, work, "--memory", "300M", "--root", str(work))
        try:
            count = ask_all(server, work)
        except AssertionError:
            server.process.kill()
            raise
        server.stop()
    print(f"Ran {count} requests")


main(str(Path(sys.argv[1]).resolve()))
