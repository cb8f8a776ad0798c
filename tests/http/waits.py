#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""waits.py TILEWRIGHT [NAME...]: what goes on while clients of the HTTP server wait, against the real program."""
import json
import select
import signal
import sys
import threading
from pathlib import Path

from client import BOUNDARY, Server, check, make_picture, multipart
from protocol import main

MODELS = ("photo-2x", "photo-3x", "photo-4x", "restore-1x", "restore-2x")
FORM = {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY}


def ask_plan(server, source, **fields):
    """A plan that is asked for, and not yet read."""
    connection = server.connect()
    files = [("input", Path(source).name, Path(source).read_bytes())]
    connection.request("POST", "/v1/plans", multipart(dict(fields, op="upscale").items(), files), FORM)
    return connection


def test_plans(program, work):
    """While a plan is made others are answered: counted, not timed. A plan reads its model where no job had it yet."""
    source = make_picture(work / "in.png", 120, 70)
    server = Server(program, work, "--memory", "300M")
    meanwhile = []
    for model in MODELS:
        connection, count = ask_plan(server, source, model=model), 0
        while not select.select([connection.sock], [], [], 0)[0]:
            check(server.get("/healthz").status == 200, "health")
            count += 1
        answer = connection.getresponse()
        plan = json.loads(answer.read())
        check(answer.status == 200 and plan["model"] == model, answer.status, plan)
        connection.close()
        meanwhile.append(count)
    print("      answers while a plan was made:", meanwhile, flush=True)
    check(sum(meanwhile) >= 15, meanwhile)
    server.stop()


def test_many_plans(program, work):
    """Each of many at once is answered, refused where too many wait, and a server that ends meanwhile ends in order."""
    source, bad = make_picture(work / "in.png", 120, 70), work / "bad.png"
    bad.write_text("no picture\n" * 20)
    server = Server(program, work, "--memory", "300M", "--max-waiting", "30")
    asked = [(ask_plan(server, bad if i % 4 == 3 else source, model=MODELS[i % 5]), 422 if i % 4 == 3 else 200) for i in range(24)]
    for connection, status in asked:
        got = connection.getresponse()
        body = json.loads(got.read())
        check(got.status == status and (status == 422 or body["width"] > 0), got.status, body)
        check(str(work) not in json.dumps(body), "tells where things lie", body)
        connection.close()
    check(server.metric("store_bytes") == 0, "uploads of plans are kept")
    asked = [ask_plan(server, source, model=MODELS[i % 5]) for i in range(60)]
    statuses = []
    for connection in asked:
        statuses.append(connection.getresponse().status)
        connection.close()
    check(set(statuses) <= {200, 429} and statuses.count(200) >= 30, statuses)
    asked = [ask_plan(server, source, model=MODELS[i % 5]) for i in range(20)]
    for connection in asked[::2]:
        connection.close()
    server.stop(signal.SIGTERM)


def test_signs_of_life(program, work):
    """A stream that has no news still says something, for proxies that cut silent connections; then the news comes all the same."""
    source = make_picture(work / "in.png", 3000, 2000)  # half a minute of two processors
    server = Server(program, work, "--memory", "300M", "--jobs", "1")
    first, second = (server.post(source, scale="4", tta="true").json()["id"] for _ in range(2))
    connection, lines, beat = server.connect(), [], threading.Event()
    connection.request("GET", f"/v1/jobs/{second}/events")
    got = connection.getresponse()

    def read():
        for line in iter(got.readline, b""):
            lines.append(line.decode().rstrip("\n"))
            if lines[-1] == ":":
                beat.set()
    reader = threading.Thread(target=read)
    reader.start()
    check(beat.wait(60), "silent", lines)
    check(server.job(second)["state"] == "waiting", "not silent for lack of news")
    for name in (second, first):
        server.ask("DELETE", "/v1/jobs/" + name)
    reader.join(60)
    check(not reader.is_alive() and "event: cancelled" in lines[lines.index(":"):], lines)
    check(all(not line or line == ":" or line.split(": ")[0] in ("id", "event", "data") for line in lines), lines)
    server.stop()


TESTS = {name[5:]: value for name, value in list(globals().items()) if name.startswith("test_")}

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
