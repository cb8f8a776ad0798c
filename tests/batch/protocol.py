#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""protocol.py TILEWRIGHT [NAME...]: the protocol of `tilewright batch` (docs/protocol.md), against the real program.

Under sanitizers (TW_SANITIZED) what only measures memory is left out, and leaks fail by the exit code."""
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from driver import TIMEOUT, Batch, check, make_picture, sha256

SANITIZED = bool(os.environ.get("TW_SANITIZED"))
MIB = 1 << 20


def test_one_job(program, work):
    """hello, plan, progress, result, summary; the file is the one of a single run."""
    source = make_picture(work / "in.png", 300, 200)
    batch = Batch(program, work, "--memory", "300M")
    check(batch.hello["proto"] == 1 and batch.hello["devices"] == ["cpu"] and batch.hello["budget_bytes"] == 300 * MIB)
    batch.run("a", source, work / "out.png")
    result = batch.next("result", "a")
    summary = batch.finish()
    kinds = [e["event"] for e in batch.events]
    check(kinds[:2] == ["hello", "plan"] and kinds[-2:] == ["result", "summary"], kinds)
    check(set(kinds[2:-2]) == {"progress"}, kinds)
    fractions = [e["fraction"] for e in batch.events if e["event"] == "progress"]
    check(fractions == sorted(set(fractions)) and fractions[-1] == 1, fractions)
    check(result["output"] == str(work / "out.png") and result["bytes"] == (work / "out.png").stat().st_size, result)
    check(result["sha256"] == sha256(work / "out.png") and result["report"]["width"] == 600, result)
    check(result["job_peak_bytes"] > 0 and result["seconds"] > 0 and result["waited"] >= 0, result)
    check(summary["processed"] == 1 and summary["errors"] == 0 and summary["latency"]["p95"] > 0, summary)
    check(abs(summary["output_mb"] - result["bytes"] / 1e6) < 1e-3 and summary["input_mb"] > 0, summary)
    subprocess.run([program, "upscale", source, work / "single.png", "--quiet", "--memory", "170M"], check=True)
    check(sha256(work / "single.png") == result["sha256"], "differs from a single run")


def test_progress_rate(program, work):
    source = make_picture(work / "in.png", 700, 500)
    batch = Batch(program, work)
    batch.run("a", source, work / "out.png", scale=4)
    batch.finish()
    times = [e["at"] for e in batch.events if e["event"] == "progress" and 0 < e["fraction"] < 1]
    # ten a second; what a busy reader sees may bunch up, so the whole is looked at
    check(len(times) <= 10 * (times[-1] - times[0]) + 3, len(times), times[-1] - times[0])


BAD = (
    (b"blah", "no JSON"),
    (b"{", "no JSON"),
    (b"[1,2]", "no JSON object"),
    (b"17", "no JSON"),
    (b"{}", '"cmd" is missing'),
    (b'{"cmd":1}', '"cmd" is a text'),
    (b'{"cmd":"frob"}', "unknown command"),
    (b'{"cmd":"run"}', '"id" is missing'),
    (b'{"cmd":"run","id":7}', '"id" is a text'),
    (b'{"cmd":"run","id":""}', '"id" is a text'),
    (b'{"cmd":"run","id":"' + b"x" * 129 + b'"}', '"id" is a text'),
    (b'{"cmd":"run","id":"a"}', '"op" is missing'),
    (b'{"cmd":"run","id":"a","op":"frob"}', "unknown operator"),
    (b'{"cmd":"run","id":"a","op":"upscale"}', '"input" is missing'),
    (b'{"cmd":"run","id":"a","op":"upscale","input":[]}', "holds 0"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":["a","b"],"output":"o.png"}', "at most 1 input"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":5,"output":"o.png"}', "file name"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"-","output":"o.png"}', "standard input"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"-"}', "standard input"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":{"base64":"!!!!"},"output":"o.png"}', "base64"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":{"base64":"aGFsbG8="},"output":{"format":9}}', "format"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","tiel":4}', 'did you mean "tile"'),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","max-pixels":4}', 'did you mean "max_pixels"'),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","tile":true}', "number of pixels"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","tta":"yes"}', "true or false"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","scale":"2"}', "a number"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","scale":1e9}', "from 0.01 to 64"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","model":3}', "a text"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","memory":"lots"}', "not a size"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","priority":"high"}', "priority"),
    (b'{"cmd":"run","id":"a","op":"upscale","input":"i.png","output":"o.png","noise":99999999999999999999}', "no JSON"),
    (b'{"cmd":"run","id":"a","id":"b"}', "no JSON"),
    (b'{"cmd":"status","id":"a"}', 'unknown key "id"'),
    (b'{"cmd":"budget","memory":5}', "memory"),
    (b'{"cmd":"budget","memory":"1K"}', "cannot hold"),
    (b'{"cmd":"shutdown","cancel":"yes"}', "true or false"),
    (b'{"cmd":"cancel","id":"nobody"}', "no job"),
    (b'{"cmd":"sta\xfftus"}', "byte 12 is not UTF-8"),
    (b'\xc3\x28', "UTF-8"),
    (b'{"cmd":"status"}\0', "UTF-8"),
    (b'{"cmd":"run","id":"\\ud800"}', "no JSON"),
    (b"[" * 100000, "nested more than"),
    (b"[" + b"[]," * 300000 + b"[]]", "more than 1024 values"),
    (b'{"cmd":"status","x":"' + b"y" * MIB + b'"}', "longer than 1048576 bytes"),
)


def test_bad_lines(program, work):
    """Each is answered by one error, and the batch goes on."""
    source = make_picture(work / "in.png", 40, 30)
    batch = Batch(program, work)
    for number, (line, text) in enumerate(BAD, 1):
        batch.write(line + b"\n")
        error = batch.error(number)
        check(text in error["message"] and error["code"] in (2, 4) and error["retryable"] is False, line[:80], error)
        check(error["id"] in (None, "a"), error)
    batch.write(b"\n   \n\r\n")
    batch.run("good", source, work / "out.png")
    check(batch.next("result", "good"))
    batch.write(b'{"cmd":"status"}')  # the last line needs no end
    summary = batch.finish(2)
    check(summary["processed"] == 1 and summary["errors"] == len(BAD), summary)
    check(batch.events[-2]["event"] == "status")
    if not SANITIZED:
        check(summary["peak_bytes"] < 80 * MIB, summary)


def test_limit(program, work):
    """A line of exactly the limit is a line."""
    batch = Batch(program, work)
    for end in (b"\n", b"\r\n"):
        line = b'{"cmd":"status"' + b" " * (MIB - 16) + b"}"
        check(len(line) == MIB)
        batch.write(line + end)
        check(batch.next()["event"] == "status")
    batch.write(b" " + line + b"\n")
    check("longer" in batch.error(3)["message"])
    batch.finish(2)


def test_endless_line(program, work):
    """2 GB without an end: told once, never held."""
    batch = Batch(program, work)
    before, block = batch.status("VmHWM"), b"x" * MIB
    for _ in range(50 if SANITIZED else 2048):
        batch.write(block)
    check("longer than" in batch.error(1)["message"])
    batch.write(b"\n")
    batch.send(cmd="status")
    check(batch.next()["event"] == "status", "told twice")
    if not SANITIZED:
        check(batch.status("VmHWM") < before + 4 * MIB, before, batch.status("VmHWM"))
    batch.write(block * 3)  # and the input may end in one
    summary = batch.finish(2)
    check(summary["errors"] == 2, summary)


def test_errors(program, work):
    """What goes wrong with a job is the end of that job alone."""
    source = make_picture(work / "in.png", 60, 40)
    (work / "there.png").write_bytes(b"mine")
    (work / "broken.png").write_bytes(Path(source).read_bytes()[:700])
    batch = Batch(program, work, "--memory", "256M")
    batch.run("missing", work / "no.png", work / "o1.png")
    batch.run("broken", work / "broken.png", work / "o2.png")
    batch.run("exists", source, work / "there.png")
    batch.run("folder", source, work / "no" / "o.png")
    batch.run("model", source, work / "o3.png", model="nothing")
    batch.run("container", source, work / "o4.webp", scale=64, model="photo-2x", tile=64)
    batch.run("small", source, work / "o5.png", memory="20M")
    batch.run("pixels", source, work / "o6.png", max_pixels=100)
    batch.send(cmd="run", id="words", op="compare", input=source)
    batch.run("good", source, work / "out.png")
    batch.finish(3)
    codes = {"missing": 3, "broken": 3, "exists": 2, "folder": 1, "model": 2, "container": None, "small": 4, "pixels": 3, "words": 2}
    for name, code in codes.items():
        ends = batch.ends_of(name)
        check(len(ends) == 1, name, ends)
        if code is not None:
            check(ends[0]["code"] == code and ends[0]["retryable"] == (code == 1), ends)
    check([e["event"] for e in batch.ends_of("good")] == ["result"])
    check("smallest that would do" in batch.ends_of("small")[0]["message"])
    check((work / "there.png").read_bytes() == b"mine" and not list(work.glob("o[1-356]*")) and not list(work.glob(".*partial")))


def test_values(program, work):
    """JSON's own types stand for what is typed on the command line; null is not given."""
    source = make_picture(work / "in.png", 200, 160)
    batch = Batch(program, work, "--tile", "32")
    batch.run("default", source, work / "a.png")
    batch.run("number", source, work / "b.png", tile=48, memory=200 * MIB, halo="exact", noise=None, tta=False)
    batch.run("pair", source, work / "c.png", tile=[64, 48], quality=90, scale=1.5, orient=True)
    batch.run("text", source, work / "d.tif", tile_size="40x40", tiff_compression="none", max_pixels=1000000)
    batch.finish()
    plans = {e["id"]: e["plan"] for e in batch.events if e["event"] == "plan"}
    check([plans[n]["tile"] for n in ("default", "number", "pair", "text")] == [[32, 32], [48, 48], [64, 48], [40, 40]], plans)
    check(plans["pair"]["width"] == 300 and plans["number"]["budget_bytes"] <= 200 * MIB, plans)


def test_ids(program, work):
    """An id in use is refused, and the job that has it goes on; a free one may be taken again."""
    source = make_picture(work / "in.png", 300, 300)
    batch = Batch(program, work, "--jobs", "1")
    for i in range(3):
        batch.run("ä\n\"", source, work / "out.png", overwrite=True)
    batch.next("result")
    batch.run("ä\n\"", source, work / "out.png", overwrite=True)
    batch.finish(2)
    check(len(batch.ends_of("ä\n\"")) == 2, batch.ends_of("ä\n\""))
    refused = [e for e in batch.events if e["event"] == "error"]
    check([e["line"] for e in refused] == [2, 3] and all(e["id"] is None and "waits or runs" in e["message"] for e in refused))


def test_cancel(program, work):
    """Of one that runs, and of one that waits."""
    large, small = make_picture(work / "large.png", 1200, 900), make_picture(work / "small.png", 50, 50)
    batch = Batch(program, work, "--jobs", "1")
    batch.run("runs", large, work / "o1.png", scale=4)
    batch.run("waits", large, work / "o2.png", scale=4)
    batch.run("stays", small, work / "o3.png")
    batch.next("progress", "runs")
    batch.send(cmd="cancel", id="waits")
    error = batch.error()
    check(error["id"] == "waits" and error["code"] == 130 and error["retryable"] is True, error)
    batch.send(cmd="cancel", id="runs")
    error = batch.error()
    check(error["id"] == "runs" and error["code"] == 130, error)
    check(batch.next("result", "stays"))
    batch.send(cmd="cancel", id="stays")
    check(batch.error()["id"] is None)
    summary = batch.finish(2)
    check((summary["processed"], summary["cancelled"], summary["errors"]) == (1, 2, 1), summary)
    check(not (work / "o1.png").exists() and not (work / "o2.png").exists() and (work / "o3.png").exists())


def test_order(program, work):
    """By priority, then as they came."""
    large, small = make_picture(work / "large.png", 500, 400), make_picture(work / "small.png", 50, 50)
    batch = Batch(program, work, "--jobs", "1")
    batch.run("first", large, work / "o0.png")
    batch.next("progress", "first")
    for i, priority in enumerate((0, -5, 7, 0, 7, None)):
        batch.run(str(i), small, work / f"p{i}.png", priority=priority)
    batch.finish()
    order = [e["id"] for e in batch.events if e["event"] == "result"]
    check(order == ["first", "2", "4", "0", "3", "5", "1"], order)


def test_status(program, work):
    source = make_picture(work / "in.png", 900, 700)
    batch = Batch(program, work, "--jobs", "1", "--memory", "400M")
    batch.run("a", source, work / "a.png")
    batch.run("b", source, work / "b.png")
    batch.next("progress", "a")
    batch.send(cmd="status")
    status = batch.next("status")
    check([r["id"] for r in status["running"]] == ["a"] and 0 <= status["running"][0]["fraction"] <= 1 and status["waiting"] == 1, status)
    check(40 * MIB < status["planned_bytes"] <= status["budget_bytes"] == 400 * MIB and status["resident_bytes"] > 0, status)
    batch.send(cmd="budget")
    check(batch.next("budget")["budget_bytes"] == 400 * MIB)
    batch.send(cmd="budget", memory="70M")
    check(batch.next("budget")["budget_bytes"] == 70 * MIB)
    batch.finish(4)  # b was planned for more, and can no longer fit
    check(batch.ends_of("a")[0]["event"] == "result" and batch.ends_of("b")[0]["code"] == 4, batch.events)


def test_shutdown(program, work):
    source = make_picture(work / "in.png", 500, 400)
    for cancel in (False, True):
        batch = Batch(program, work, "--jobs", "1")
        for i in range(2):
            batch.run(str(i), source, work / f"o{i}.png", overwrite=True, scale=4)
        batch.next("progress", "0")
        batch.send(cmd="shutdown", cancel=cancel)
        batch.send(cmd="nonsense after the end")
        summary = batch.finish()
        check((summary["processed"], summary["cancelled"]) == ((0, 2) if cancel else (2, 0)) and summary["errors"] == 0, summary)


def test_signal(program, work):
    source = make_picture(work / "in.png", 1200, 900)
    batch = Batch(program, work)
    for i in range(3):
        batch.run(str(i), source, work / f"o{i}.png", scale=4)
    batch.next("progress")
    batch.process.send_signal(signal.SIGTERM)
    summary = batch.finish(130)
    check(summary["cancelled"] == 3 and not list(work.glob("o*.png")), summary)


def test_nobody_reads(program, work):
    """Closed events cancel what is under way, also when nothing is said meanwhile."""
    source = make_picture(work / "in.png", 1200, 900)
    batch = Batch.__new__(Batch)
    process = subprocess.Popen([program, "batch", "--quiet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=work)
    batch.process = process
    process.stdout.readline()
    for i in range(20):
        batch.run(str(i), source, work / f"o{i}.png", scale=4)
    process.stdout.close()
    check(process.wait(TIMEOUT) == 1)
    check(b"standard output is closed" in process.stderr.read())
    check(len(list(work.glob("o*.png"))) < 10, list(work.glob("o*.png")))


def test_inline(program, work):
    source = make_picture(work / "in.png", 120, 90)
    text = base64.b64encode(Path(source).read_bytes()).decode()
    batch = Batch(program, work)
    batch.send(cmd="run", id="both", op="upscale", input={"base64": text, "name": "page 1"}, output={"format": "png"})
    batch.send(cmd="run", id="in", op="upscale", input={"base64": text}, output=str(work / "out.png"))
    batch.send(cmd="run", id="bad", op="upscale", input={"base64": "aGFsbG8=", "name": "page 2"}, output={"format": "png"})
    batch.send(cmd="run", id="large", op="upscale", input={"base64": text}, output={"format": "tiff"}, scale=16, tiff_compression="none")
    batch.finish(None)
    both = batch.ends_of("both")[0]
    picture = base64.b64decode(both["base64"])
    check(both["output"] is None and len(picture) == both["bytes"] and both["report"]["input"] == ["page 1"], both)
    check(picture == (work / "out.png").read_bytes() and batch.ends_of("in")[0]["sha256"] == both["sha256"], "differs")
    check("page 2" in batch.ends_of("bad")[0]["message"] and batch.ends_of("bad")[0]["code"] == 3, batch.ends_of("bad"))
    check(batch.ends_of("large")[0]["code"] == 2 and "wanted in memory" in batch.ends_of("large")[0]["message"], batch.ends_of("large"))


def test_stdout_is_ours(program, work):
    """An output that is the process's own standard output cannot break a line."""
    source = make_picture(work / "in.png", 60, 40)
    batch = Batch(program, work)
    batch.run("a", source, "/dev/stdout", format="ppm")
    batch.run("b", source, "/dev/fd/1", format="ppm", overwrite=True)
    batch.finish()
    check([e["event"] for e in batch.ends_of("a") + batch.ends_of("b")] == ["result"] * 2, batch.events)
    check(any(line.startswith(b"P6") for line in batch.logs), "the picture is not where the logs are")


TESTS = {name[5:]: test for name, test in list(globals().items()) if name.startswith("test_")}


def main(argv, tests):
    program, names = str(Path(argv[1]).resolve()), argv[2:] or list(tests)
    failed = 0
    for name in names:
        work, start = Path(tempfile.mkdtemp(prefix=f"tilewright-batch-{name}-")), time.monotonic()
        try:
            tests[name](program, work)
            print(f"ok    {name} {time.monotonic() - start:.1f} s", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {str(error)[:2000]}", flush=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
