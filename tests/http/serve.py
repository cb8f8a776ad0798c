#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""serve.py TILEWRIGHT [NAME...]: the HTTP server as clients see it, against the real program."""
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from client import BOUNDARY, TIMEOUT, Server, check, make_picture
from protocol import main

SANITIZED = bool(os.environ.get("TW_SANITIZED"))
MIB = 1 << 20


def command_result(program, work, source, *options, suffix="png"):
    target = work / f"command.{suffix}"
    subprocess.run([program, "upscale", "--quiet", "--overwrite", *options, source, target], check=True, timeout=300)
    return target.read_bytes()


def events(server, name, most=10000):
    """The events of a job until the stream ends: (name, data)."""
    connection, found = server.connect(), []
    connection.request("GET", f"/v1/jobs/{name}/events")
    got = connection.getresponse()
    check(got.status == 200 and got.headers["Content-Type"] == "text/event-stream", got.status)
    kind = None
    for line in iter(got.readline, b""):
        word, _, rest = line.decode().rstrip("\n").partition(": ")
        if word == "event":
            kind = rest
        elif word == "data":
            found.append((kind, json.loads(rest)))
        if len(found) >= most:
            break
    connection.close()
    return found


def test_life(program, work):
    """From upload to deletion, in every way to send a job; the bytes are the command's."""
    source = make_picture(work / "in.png", 120, 70)
    wanted = command_result(program, work, source, "--scale", "2")
    server = Server(program, work, "--memory", "300M", "--root", str(work))
    answer = server.post(source, scale="2")
    check(answer.headers["Location"] == "/v1/jobs/" + answer.json()["id"], answer.headers)
    job = server.wait(answer)
    check(job["progress"] == 1 and job["report"]["width"] == 240 and job["plan"]["op"] == "upscale" and not job["error"], job)
    check(str(work) not in json.dumps(job), "tells where things lie", job)
    check(server.result(job) == wanted, "bytes of the form")
    raw = server.ask("POST", "/v1/jobs?op=upscale&scale=2", Path(source).read_bytes(), {"Content-Type": "image/png"})
    check(server.result(server.wait(raw)) == wanted, "bytes of the raw body")
    check(server.result(server.wait(server.post_json(op="upscale", input="in.png", scale=2))) == wanted, "bytes of JSON")
    server.wait(server.post_json(op="upscale", input=source, output="out.png", scale=2))
    check((work / "out.png").read_bytes() == wanted, "bytes under the root")
    jpeg = server.wait(server.post(source, scale="2", format="jpeg", quality="80"))
    check(jpeg["result"]["type"] == "image/jpeg", jpeg)
    check(server.result(jpeg) == command_result(program, work, source, "--scale", "2", "--quality", "80", suffix="jpeg"), "JPEG")
    measured = server.wait(server.post(source, source, op="compare"))
    check(measured["result"] is None and measured["report"]["max_difference"] == 0, measured)
    server.get(f"/v1/jobs/{measured['id']}/result").error(404)
    path = "/v1/jobs/" + job["id"]
    check(server.ask("DELETE", path).status == 204, "delete")
    for method, end in (("GET", ""), ("DELETE", ""), ("GET", "/result"), ("GET", "/events")):
        server.ask(method, path + end).error(404)
    server.stop()


def test_results(program, work):
    """Ranges, tags, types."""
    source = make_picture(work / "in.png", 90, 50)
    server = Server(program, work, "--memory", "300M")
    job = server.wait(server.post(source, scale="2"))
    whole, url = server.result(job), job["result"]["url"]
    size = len(whole)
    for asked, part in (("0-0", whole[:1]), ("5-99", whole[5:100]), (f"{size - 3}-", whole[-3:]), ("-7", whole[-7:]),
                        (f"10-{size * 9}", whole[10:]), (f"-{size * 9}", whole)):
        answer = server.get(url, Range="bytes=" + asked)
        first = size - len(part) if asked[0] == "-" else int(asked.split("-")[0])
        check(answer.status == 206 and answer.body == part, asked, answer.status, len(answer.body))
        check(answer.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{size}", answer.headers)
    for asked in (f"{size}-", "-0", "99999999999999999999999-"):
        answer = server.get(url, Range="bytes=" + asked)
        check(answer.error(416) == "bad_range" and answer.headers["Content-Range"] == f"bytes */{size}", asked)
    for asked in ("bytes=", "bytes=a-b", "bytes=5-2", "rows=1-2", "bytes=1-2,4-5", "bytes=1-2x"):
        check(server.get(url, Range=asked).body == whole, asked)
    answer = server.get(url)
    tag = answer.headers["ETag"]
    check(answer.headers["Content-Type"] == "image/png" and answer.headers["Accept-Ranges"] == "bytes", answer.headers)
    check(server.get(url, If_None_Match=tag).status == 304, "known")
    check(server.get(url, If_None_Match='"other"').body == whole, "unknown")
    check(server.get(url, Range="bytes=0-4", If_Range=tag).body == whole[:5], "same")
    check(server.get(url, Range="bytes=0-4", If_Range='"other"').body == whole, "changed")
    head = server.ask("HEAD", url)
    check(head.status == 200 and int(head.headers["Content-Length"]) == size and not head.body, head.headers)
    server.stop()


def test_events(program, work):
    """Progress never falls, and the last event is the end, for whoever comes early or late, and for several at a time."""
    source, found = make_picture(work / "in.png", 700, 500), {}
    server = Server(program, work, "--memory", "300M")
    name = server.post(source, scale="4").json()["id"]

    def listen(i):
        found[i] = events(server, name)
    threads = [threading.Thread(target=listen, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    found["late"] = events(server, name)
    for who, all_of_it in found.items():
        kinds, progress = [kind for kind, _ in all_of_it], [job["progress"] for _, job in all_of_it]
        check(progress == sorted(progress) and progress[-1] == 1, who, progress)
        check(kinds[-1] == "done" and kinds.count("done") == 1, who, kinds)
        check(all(kind == job["state"] for kind, job in all_of_it), who)
    check(len(found["late"]) == 1 and len(found[0]) > 4, "events", len(found[0]))
    check(server.metric("event_streams") == 0, "streams")
    server.stop()


def test_cancel(program, work):
    """A job that runs and one that waits; the server goes on."""
    source = make_picture(work / "in.png", 1200, 900)
    server = Server(program, work, "--memory", "300M", "--jobs", "1")
    first, second = (server.post(source, scale="4").json()["id"] for _ in range(2))
    server.get(f"/v1/jobs/{first}/result").error(409)
    last = time.monotonic() + TIMEOUT
    while server.job(first)["state"] == "waiting" and time.monotonic() < last:
        time.sleep(0.01)
    check(server.job(second)["place"] == 1, server.job(second))
    for name in (second, first):
        check(server.ask("DELETE", "/v1/jobs/" + name).status == 202, "cancel")
        last = events(server, name)[-1]
        check(last[0] == "cancelled" and last[1]["error"]["code"] == "cancelled" and last[1]["result"] is None, last)
        server.get(f"/v1/jobs/{name}/result").error(409, "cancelled")
    small = make_picture(work / "small.png", 60, 40)
    check(server.result(server.wait(server.post(small))), "afterwards")
    for name in (second, first):
        check(server.ask("DELETE", "/v1/jobs/" + name).status == 204, "forget")
    server.stop()


def test_bad_requests(program, work):
    """Each is answered with its own status and a line that says why, and none leaves files behind."""
    source = make_picture(work / "in.png", 60, 40)
    data = Path(source).read_bytes()
    server = Server(program, work, "--memory", "300M", "--max-body", "1M")

    def ask(body, kind, path="/v1/jobs"):
        return server.ask("POST", path, body, {"Content-Type": kind} if kind else {})
    form = "multipart/form-data; boundary=" + BOUNDARY
    check(ask(data, None).error(415) == "unsupported_media_type", "no type")
    ask(data, "text/plain").error(415, "text/plain")
    ask(data, "multipart/form-data").error(400, "boundary")
    ask(b"", form).error(422, "op")
    ask(b"junk" * 100, form)
    for text in ("", "{", "[]", "null", '{"op":1e999}', "\xff", "[" * 5000, '{"a":1,"a":2}'):
        check(ask(text.encode("latin-1"), "application/json").status in (400, 422), text[:20])
    ask("{}", "application/json").error(422, "op")
    ask('{"op":"upscale"}', "application/json").error(422, "input")
    ask('{"op":"upscale","input":"in.png"}', "application/json").error(403, "no root")
    server.post(source, op="enlarge").error(422, "enlarge")
    server.post(op="upscale").error(422, "input")
    server.post(source, scal="2").error(422, '"scal"', '"scale"')
    server.post(source, scale="many").error(422, "scale", "many")
    job = server.wait(server.post(source, model="nonesuch"), "failed")
    check(job["error"]["code"] == "usage" and "nonesuch" in job["error"]["message"], job["error"])
    server.post(source, format="bmp").error(422, "bmp")
    for name in ("id", "cmd", "resume", "sha256", "scratch", "output"):
        server.post(source, **{name: "x"}).error(422, name)
    server.post(source, files=[("scale", "x", b"2")]).error(422, "scale")
    server.post(source, input="in.png").error(422, "input")
    server.post(source, scale="x" * 40000).error(413)
    server.post(*[source] * 20).error(422, "files")
    check(ask(bytes(3 * MIB), "image/png", "/v1/jobs?op=upscale").error(413) == "too_large", "too large")
    ask(iter([bytes(MIB // 2)] * 3), "image/png", "/v1/jobs?op=upscale").error(413)
    for path in ("/v1", "/app.js/", "/v1/jobs/", "/v1/jobs/1", "/v1/jobs/" + "0" * 33, "/v1/jobs/../jobs", "/v1/jobs/" + "0" * 32 + "/x"):
        check(server.get(path).error(404) == "not_found", path)
    server.get("/v1/jobs/" + "0" * 32).error(404)
    server.get("/v1/jobs").error(405, "POST")
    server.ask("DELETE", "/metrics").error(405)
    server.ask("BREW", "/healthz").error(405)
    for name, junk in (("empty", b""), ("no picture", b"hello" * 50), ("cut off", data[:len(data) // 2])):
        job = server.wait(server.post(files=[("input", "x.png", junk)]), "failed")
        check(job["error"]["code"] == "input" and str(work) not in job["error"]["message"], name, job["error"])
    job = server.wait(server.post(source, memory="1M"), "failed")
    check(job["error"]["code"] == "budget", job["error"])
    check(server.metric("store_bytes") == 0, "left on disk", server.metric("store_bytes"))
    folders = [p for spool in server.spools() for p in spool.rglob("*") if p.is_file()]
    check(not folders, "files left", folders)
    server.stop()


def test_paths(program, work):
    """Nothing outside the root is read or written, however it is named."""
    root, outside = work / "root", work / "outside"
    (root / "inner").mkdir(parents=True)
    outside.mkdir()
    secret = make_picture(outside / "secret.png", 50, 40)
    source = make_picture(root / "in.png", 50, 40)
    (root / "leads-out.png").symlink_to(secret)
    (root / "folder-out").symlink_to(outside)
    (root / "leads-in.png").symlink_to("in.png")
    (root / "inner" / "up.png").symlink_to("../in.png")
    os.mkfifo(root / "pipe.png")
    (root / "other.mhd").write_text(f"ObjectType = Image\nElementDataFile = {secret}\n")
    (root / "chain.txt").write_text(f'(InitialTransformParameterFileName "{secret}")\n')
    server = Server(program, work, "--memory", "300M", "--root", str(root))
    names = ["../outside/secret.png", secret, "leads-out.png", "folder-out/secret.png", "inner/../../outside/secret.png", "/etc/passwd",
             "/proc/self/environ", str(root) + "/../outside/secret.png", str(root) + "x/secret.png"]
    for name in names:
        check(server.post_json(op="upscale", input=name).error(403) == "forbidden", name)
        check(server.post_json(op="upscale", input=["in.png", name]).error(403) == "forbidden", name)
        check(server.post_json(op="warp", input="in.png", field=name).error(403) == "forbidden", name)
    for name in ("../out.png", "folder-out/out.png", "leads-out.png", "/tmp/out.png", "inner/../../out.png"):
        server.post_json(op="upscale", input="in.png", output=name, overwrite=True).error(403)
    for name in ("", ".", "inner", "pipe.png", "missing.png", "in.png/x"):
        server.post_json(op="upscale", input=name).error(422)
    (root / "trick.txt").write_text(f'(InitialTransformParametersFileName "{secret}") // "NoInitialTransform"\n')
    (root / "trick.mhd").write_text(f"ObjectType = Image\nElementDataFile = {secret} LOCAL\n")
    (root / "apart.nrrd").write_text(f"NRRD0004\ntype: float\ndata file: {secret}\n")
    for name in ("other.mhd", "chain.txt", "trick.txt", "trick.mhd", "apart.nrrd"):
        server.post_json(op="warp", input="in.png", field=name).error(422, "names another file")
        server.post(source, op="warp", files=[("field", name, (root / name).read_bytes())]).error(422, "names another file")
    for model in ("../outside/m.param", "/etc/m", "m.param"):
        server.post_json(op="upscale", input="in.png", model=model).error(403, "model")
    for key in ("report", "warped", "field", "scratch"):
        server.post_json(op="register", input=["in.png", "in.png"], **{key: "x"}).error(422, key)
    for name in ("leads-in.png", "inner/up.png", source, "inner/../in.png"):
        server.wait(server.post_json(op="upscale", input=name, scale=2))
    server.wait(server.post_json(op="upscale", input="in.png", output="in.png", scale=2), "failed")
    check(sorted(p.name for p in outside.iterdir()) == ["secret.png"] and not (work / "out.png").exists(), "written outside")
    server.stop()


def test_plans(program, work):
    """A plan is that of the job, takes nothing and leaves nothing."""
    source = make_picture(work / "in.png", 300, 200)
    server = Server(program, work, "--memory", "300M", "--root", str(work))
    body = json.dumps({"op": "upscale", "input": "in.png", "scale": 3})
    plan = server.ask("POST", "/v1/plans", body, {"Content-Type": "application/json"}).json()
    job = server.wait(server.post_json(op="upscale", input="in.png", scale=3))
    check(plan["width"] == 900 and plan["planned_peak_bytes"] > 0, plan)
    for key in ("width", "height", "tile", "schedule", "planned_peak_bytes", "model", "input", "budget_bytes"):
        check(plan[key] == job["plan"][key], key, plan[key], job["plan"][key])
    raw = server.ask("POST", "/v1/plans?op=upscale&scale=3", Path(source).read_bytes(), {"Content-Type": "image/png"}).json()
    check(raw["tile"] == plan["tile"], raw)
    server.ask("POST", "/v1/plans?op=upscale&memory=1M", Path(source).read_bytes(), {"Content-Type": "image/png"}).error(422, "1.0 MiB")
    server.ask("POST", "/v1/plans?op=upscale", b"junk", {"Content-Type": "image/png"}).error(422, "upload1")
    before = server.metric("store_bytes")
    server.ask("POST", "/v1/plans?op=upscale&scale=3", Path(source).read_bytes(), {"Content-Type": "image/png"})
    check(server.metric("store_bytes") == before and server.metric("jobs_accepted_total") == 1, "kept something")
    server.stop()


def test_described(program, work):
    """/openapi.json knows every option that a job takes; the page loads nothing from elsewhere."""
    server = Server(program, work, "--memory", "300M")
    described = server.get("/openapi.json").json()
    check(described["openapi"].startswith("3.1"), described["openapi"])
    tables = json.loads(subprocess.run([program, "help", "--tables"], capture_output=True, check=True, timeout=60).stdout)
    found = {op["name"]: {option["name"].replace("-", "_") for option in op["options"] if not option.get("own")} for op in tables["ops"]}
    for op, names in found.items():
        has = set(described["components"]["schemas"][op + "_form"]["properties"])
        missing = names - has - {"scratch", "resume"} - ({"field"} if op == "register" else set())
        missing -= {"config", "json", "quiet", "progress", "help", "factor", "matrix"}  # the command line's own
        check(not missing, op, missing)

    def refs(value):
        if isinstance(value, dict):
            return [value["$ref"]] if "$ref" in value else [ref for inner in value.values() for ref in refs(inner)]
        return [ref for inner in value for ref in refs(inner)] if isinstance(value, list) else []
    for ref in refs(described):
        check(ref.rsplit("/", 1)[1] in described["components"]["schemas"], ref)
    page = server.get("/")
    check(page.headers["Content-Type"].startswith("text/html") and "script-src 'self'" in page.headers["Content-Security-Policy"], page.headers)
    for name in ("/index.html", "/style.css", "/app.js"):
        text = server.get(name).body.decode()
        check(len(text) > 1000 and "http://" not in text and "https://" not in text and "//cdn" not in text, name)
    check({model["name"] for model in server.get("/v1/models").json()["models"]} >= {"photo-2x", "photo-4x"}, "models")
    server.stop()


def test_who(program, work):
    """Tokens, hosts and origins."""
    (work / "token").write_text("s3cret\n")
    refused = subprocess.run([program, "serve", "--bind", "0.0.0.0", "--port", "0"], capture_output=True, text=True, timeout=60, cwd=work,
                             check=False)
    check(refused.returncode == 2 and "--token-file" in refused.stderr, refused)
    server = Server(program, work, "--memory", "300M", "--token-file", "token")
    source = make_picture(work / "in.png", 60, 40)
    check(server.get("/healthz").status == 200, "health")
    for given in (None, "s3cre", "s3crets", "s3crett", "S3CRET", "x" * 3000):
        server.token = given
        check(server.get("/metrics").error(401) == "unauthorized", given)
        check(server.post(source).error(401) == "unauthorized", given)
    server.token = "s3cret"
    server.wait(server.post(source, scale="2"))
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"):
        server.get("/healthz", Host=host).error(403, "Host")
    for host in ("localhost", f"127.0.0.1:{server.port}", "[::1]:1"):
        check(server.get("/healthz", Host=host).status == 200, host)
    server.get("/metrics", Origin="http://evil.example").error(403, "Origin")
    server.get("/metrics", Origin="null").error(403, "Origin")
    check(server.get("/metrics", Origin=f"http://127.0.0.1:{server.port}").status == 200, "own page")
    server.stop()


def test_fields(program, work):
    """A field is an upload, too; one that stands alone is taken."""
    source = make_picture(work / "in.png", 200, 160)
    (work / "shift.tfm").write_text("#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
                                    "Parameters: 1 0 0 1 3 0\nFixedParameters: 0 0\n")
    (work / "shift.txt").write_text('(Transform "TranslationTransform")\n(NumberOfParameters 2)\n(TransformParameters 3 0)\n'
                                    '(InitialTransformParametersFileName "NoInitialTransform")\n(FixedImageDimension 2)\n'
                                    '(MovingImageDimension 2)\n(Size 200 160)\n(Index 0 0)\n(Spacing 1 1)\n(Origin 0 0)\n')
    server = Server(program, work, "--memory", "300M")
    subprocess.run([program, "warp", "--quiet", source, work / "out.png", "--field", work / "shift.tfm"], check=True, timeout=100)
    for name in ("shift.tfm", "shift.txt"):
        job = server.wait(server.post(source, op="warp", files=[("field", name, (work / name).read_bytes())]))
        check(server.result(job) == (work / "out.png").read_bytes(), name)
    server.post(source, op="warp", field="shift.tfm").error(422, "field")
    server.stop()


def make_clouds(path, dx, dy, width=360, height=280):
    """A PPM of smooth noise, from dx, dy on: what register finds its way in."""
    grid = [hashlib.sha256(bytes([j])).digest() * 2 for j in range(64)]

    def value(x, y):
        (i, fx), (j, fy) = divmod(x, 11), divmod(y, 11)
        upper, lower = (row[i] * (11 - fx) + row[i + 1] * fx for row in (grid[j], grid[j + 1]))
        return (upper * (11 - fy) + lower * fy) // 121
    path.write_bytes(b"P5 %d %d 255\n" % (width, height) + bytes(value(x + dx, y + dy) for y in range(height) for x in range(width)))
    return str(path)


def test_warped(program, work):
    """register has two results, the command's bytes both; the second one only where it is asked for."""
    fixed, moving = make_clouds(work / "fixed.ppm", 0, 0), make_clouds(work / "moving.ppm", 7, 4)
    subprocess.run([program, "register", "--quiet", fixed, moving, "--field", work / "f.tfm", "--warped", work / "w.png", "--report", work / "r.html"], check=True, timeout=100)
    server = Server(program, work, "--memory", "300M", "--root", str(work))
    for answer in (server.post(fixed, moving, op="register", warped="png"),
                   server.post_json(op="register", input=["fixed.ppm", "moving.ppm"], warped="png")):
        job = server.wait(answer)
        got = server.get(job["warped"]["url"])
        check(got.body == (work / "w.png").read_bytes() and got.headers["Content-Type"] == job["warped"]["type"] == "image/png", got.headers)
        check(got.headers["ETag"] != server.get(job["result"]["url"]).headers["ETag"] and job["warped"]["bytes"] == len(got.body), got.headers)
        check(server.result(job) == (work / "f.tfm").read_bytes(), "field")
    job = server.wait(server.post(fixed, moving, op="register"))
    check(job["warped"] is None, job["warped"])
    server.get(f"/v1/jobs/{job['id']}/warped").error(404)
    job = server.wait(server.post(fixed, moving, op="register", report="html"))
    got = server.get(job["page"]["url"])
    check(got.headers["Content-Type"] == "text/html; charset=utf-8" and got.headers["Content-Security-Policy"].startswith("sandbox;"), got.headers)
    check(got.body.count(b"<svg") == (work / "r.html").read_bytes().count(b"<svg") > 0 and len(got.body) == job["page"]["bytes"], job["page"])
    server.post(fixed, moving, op="register", report="x/y.html").error(422, "report")
    for word in ("bmp", "", "../a.png", "a/b.png", "x.png", str(work / "y.png")):
        server.post(fixed, moving, op="register", warped=word).error(422, "warped")
    server.post(fixed, op="upscale", warped="png").error(422, "warped")
    server.stop()


def test_bounds(program, work):
    """What the server was given to bound jobs, they cannot lift."""
    source = make_picture(work / "in.png", 200, 160)
    server = Server(program, work, "--memory", "300M", "--max-pixels", "20000")
    job = server.wait(server.post(source), "failed")
    check(job["error"]["code"] == "input" and "20000" in job["error"]["message"], job["error"])
    server.post(source, max_pixels="0").error(422, "server")
    server.stop()


def test_slow_clients(program, work):
    """Clients that stop in the middle of a request or of an answer hold up nobody, and are sent away in time."""
    source = make_picture(work / "in.png", 400, 300)
    server = Server(program, work, "--memory", "300M", "--timeout", "2")
    job = server.wait(server.post(source, scale="4"))
    sleepers = []
    for text in (b"GET /healthz HTTP/1.1\r\nHo", b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                 b"Content-Length: 100000\r\n\r\n\x89PNG", f"GET {job['result']['url']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()):
        for _ in range(20):
            sleeper = socket.create_connection(("127.0.0.1", server.port))
            sleeper.sendall(text)
            sleepers.append(sleeper)
    start = time.monotonic()
    check(server.get("/healthz").status == 200, "health")
    check(server.result(job), "result")
    check(SANITIZED or time.monotonic() - start < 2, "held up", time.monotonic() - start)
    for sleeper in sleepers[:40]:
        sleeper.settimeout(60)
        while sleeper.recv(65536):
            pass
    for sleeper in sleepers:
        sleeper.close()
    server.wait(server.post(source, scale="2"))
    check(server.metric("store_bytes") > 0, "store")
    server.stop()


def test_many(program, work):
    """200 requests at once, good and bad: every answer is honest, every job that was taken ends, memory stays within its bound."""
    sources = [make_picture(work / f"in{i}.png", 60 + 30 * i, 50 + 20 * i, i) for i in range(6)]
    wanted = [command_result(program, work, source, "--scale", "2") for source in sources]
    budget = 300 * MIB
    server = Server(program, work, "--memory", str(budget), "--max-waiting", "20")
    counts, wrong, lock = {}, [], threading.Lock()

    def one(i):
        try:
            kind, which = i % 5, i % 6
            if kind == 3:
                answer = server.post(sources[which], scale="nonsense")
            elif kind == 4:
                answer = server.ask("POST", "/v1/jobs", b"{" * (i + 1), {"Content-Type": "application/json"})
            else:
                answer = server.post(sources[which], scale="2")
            with lock:
                counts[answer.status] = counts.get(answer.status, 0) + 1
            allowed = {3: (422, 429), 4: (400, 429)}.get(kind, (202, 429))
            check(answer.status in allowed, kind, answer.status, answer.body[:200])
            check(answer.status != 429 or 1 <= int(answer.headers["Retry-After"]) <= 600, answer.headers)
            if answer.status == 202:
                check(server.result(server.wait(answer)) == wanted[which], "bytes of", which)
        except Exception as error:  # pylint: disable=broad-except
            wrong.append(f"{i}: {type(error).__name__}: {error}")
    threads = [threading.Thread(target=one, args=(i,)) for i in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    check(not wrong, len(wrong), wrong[:3])
    check(counts.get(202, 0) >= 20 and sum(counts.values()) == 200, counts)
    peak = server.peak()
    print(f"      answers {counts}, peak {peak / MIB:.0f} MiB", flush=True)
    check(SANITIZED or peak <= budget, "peak", peak)
    check(server.metric("jobs_accepted_total") == counts[202] and server.metric("jobs_running") == 0, "counted")
    server.stop()


def test_queue_full(program, work):
    """429 with the time to come again; 503 where the store is full; later there is room again."""
    source = make_picture(work / "in.png", 900, 700)
    server = Server(program, work, "--memory", "300M", "--jobs", "1", "--max-waiting", "2", "--store", "6M")
    names, answer = [], None
    while len(names) < 10:
        answer = server.post(source, scale="4")
        if answer.status != 202:
            break
        names.append(answer.json()["id"])
    check(answer.error(429) == "queue_full" and int(answer.headers["Retry-After"]) >= 1, answer.body)
    for name in names:
        server.ask("DELETE", "/v1/jobs/" + name)
        events(server, name)
    answer = server.ask("POST", "/v1/jobs?op=upscale", bytes(7 * MIB), {"Content-Type": "image/png"})
    check(answer.error(503) == "unavailable" and int(answer.headers["Retry-After"]) >= 1, answer.body)
    server.wait(server.post(make_picture(work / "small.png", 60, 40), scale="2"))
    server.stop()


def test_end(program, work):
    """SIGTERM lets jobs end within the time of grace, a second one does not; what a killed server left the next one removes."""
    source = make_picture(work / "in.png", 500, 400)
    server = Server(program, work, "--memory", "300M")
    name, found = server.post(source, scale="4").json()["id"], []
    listener = threading.Thread(target=lambda: found.extend(events(server, name)))
    listener.start()
    while server.metric("event_streams") == 0 and not found:
        time.sleep(0.01)
    server.stop()
    listener.join(60)
    check(found[-1][0] == "done", found[-1])
    large = make_picture(work / "large.png", 1500, 1200)
    server, start = Server(program, work, "--memory", "300M", "--grace", "1000"), time.monotonic()
    server.post(large, scale="4")
    server.process.send_signal(signal.SIGINT)
    while server.get("/healthz").status == 200:
        time.sleep(0.01)
    check(server.post(source).error(503) == "unavailable", "new jobs")
    server.stop()
    check(time.monotonic() - start < 100, "waited")
    server = Server(program, work, "--memory", "300M")
    server.post(large, scale="4")
    server.stop(signal.SIGKILL, -signal.SIGKILL)
    check(len(server.spools()) == 1, server.spools())
    server = Server(program, work, "--memory", "300M")
    check(len(server.spools()) == 1, "left from before", server.spools())
    server.stop()


TESTS = {name[5:]: value for name, value in list(globals().items()) if name.startswith("test_")}

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
