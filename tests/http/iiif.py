#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""iiif.py TILEWRIGHT [NAME...]: parts of pictures as viewers ask for them, Deep Zoom and IIIF, against the real program."""
import json
import os
import re
import struct
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree
import zlib
from pathlib import Path

from client import BOUNDARY, Server, check, make_picture, multipart
from protocol import main

SANITIZED = bool(os.environ.get("TW_SANITIZED"))
MAP = ("#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_2_2\n"
       "Parameters: {} 0 0 {} 0 0\nFixedParameters: 0 0\n")


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


class Picture:
    """An RGB picture of 8 bit: rows of bytes."""
    def __init__(self, width, height, rows):
        self.width, self.height, self.rows = width, height, rows

    @classmethod
    def read(cls, data):
        check(data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG", data[:20])
        at, packed = 8, b""
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                width, height, depth, colour = struct.unpack(">IIBB", body[:10])
                check((depth, colour) == (8, 2), "not RGB of 8 bit", depth, colour)
            packed += body if kind == b"IDAT" else b""
            at += 12 + length
        raw, rows, line = zlib.decompress(packed), [], bytearray(3 * width)
        for y in range(height):
            start = y * (3 * width + 1)
            above, line = line, bytearray(raw[start + 1:start + 1 + 3 * width])
            kind = raw[start]
            for i in range(3 * width if kind else 0):
                a, b, c = (line[i - 3] if i > 2 else 0), above[i], (above[i - 3] if i > 2 else 0)
                line[i] = line[i] + (0, a, b, (a + b) // 2, paeth(a, b, c))[kind] & 255
            rows.append(bytes(line))
        return cls(width, height, rows)

    def crop(self, x, y, w, h):
        return Picture(w, h, [row[3 * x:3 * (x + w)] for row in self.rows[y:y + h]])

    def at(self, x, y):
        return self.rows[y][3 * x:3 * x + 3]

    def made(self, width, height, where):
        return Picture(width, height, [b"".join(self.at(*where(x, y)) for x in range(width)) for y in range(height)])

    def __eq__(self, other):
        return self.rows == other.rows and self.width == other.width

    def difference(self, other):
        """The greatest, and how many samples differ."""
        check((self.width, self.height) == (other.width, other.height), self.width, self.height, other.width, other.height)
        found = [abs(a - b) for one, two in zip(self.rows, other.rows) for a, b in zip(one, two) if a != b]
        return max(found, default=0), len(found)


def command_result(program, work, source, *options):
    target = work / "command.png"
    subprocess.run([program, "upscale", "--quiet", "--overwrite", *options, source, target], check=True, timeout=300)
    return Picture.read(target.read_bytes())


def shown(server, path):
    answer = server.get(path)
    check(answer.status == 200, path, answer.status, answer.body[:300])
    return answer


def send(server, source, **fields):
    answer = server.ask("POST", "/v1/pictures", multipart(fields.items(), [("input", "in.png", Path(source).read_bytes())]),
                        {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY})
    check(answer.status == 201 and answer.headers["Location"] == "/iiif/3/" + answer.json()["id"], answer.status, answer.body)
    return "/iiif/3/" + answer.json()["id"]


def test_deep_zoom(program, work):
    """The tiles of each level make a picture of its size; those of the deepest one are the result."""
    source = make_picture(work / "in.png", 331, 203)
    server = Server(program, work, "--memory", "300M")
    job = server.wait(server.post(source, scale="2"))
    whole, path = Picture.read(server.result(job)), "/v1/jobs/" + job["id"]
    answer = shown(server, path + "/result.dzi")
    image = xml.etree.ElementTree.fromstring(answer.body.decode())
    size = image[0]
    check((image.get("Format"), image.get("Overlap"), image.get("TileSize")) == ("png", "1", "256"), image.attrib)
    check((size.get("Width"), size.get("Height")) == ("662", "406"), size.attrib)
    deepest = 10
    for level in range(deepest + 1):
        width, height = (-(-n // 2 ** (deepest - level)) for n in (662, 406))
        for row in range(-(-height // 256)):
            for column in range(-(-width // 256)):
                x, y = max(column * 256 - 1, 0), max(row * 256 - 1, 0)
                tile = Picture.read(shown(server, f"{path}/result_files/{level}/{column}_{row}.png").body)
                wanted = min(column * 256 + 257, width) - x, min(row * 256 + 257, height) - y
                check((tile.width, tile.height) == wanted, level, column, row, tile.width, tile.height, wanted)
                check(level < deepest or tile == whole.crop(x, y, *wanted), "tile", column, row)
    check(shown(server, f"{path}/result_files/10/0_0.jpg").headers["Content-Type"] == "image/jpeg", "JPEG")
    for wrong in ("11/0_0.png", "10/3_0.png", "10/0_2.png", "-1/0_0.png", "10/0_0.gif", "10/0_0.png/x", "10/00.png", "a/0_0.png",
                  "../result.dzi", "10/..%2f0_0.png", "99999999999999/0_0.png", ""):
        server.get(f"{path}/result_files/{wrong}").error(404)
    check(server.ask("POST", path + "/result.dzi").status == 405, "method")
    check(server.ask("DELETE", path).status == 204, "delete")
    server.get(path + "/result.dzi").error(404)
    check(not list(server.spools()[0].iterdir()), "left in the spool", list(server.spools()[0].iterdir()))
    server.stop()


def test_regions(program, work):
    """Parts of a result and of a picture that was sent are what they are cropped, turned and mirrored."""
    source = make_picture(work / "in.png", 300, 180)
    whole = Picture.read(Path(source).read_bytes())
    server = Server(program, work, "--memory", "300M")
    base = send(server, source)

    def part(text, **headers):
        return server.get(f"{base}/{text}", **headers)

    def picture(text):
        return Picture.read(shown(server, f"{base}/{text}").body)
    check(picture("full/max/0/default.png") == whole, "full")
    check(picture("square/max/0/color.png") == whole.crop(60, 0, 180, 180), "square")
    check(picture("17,23,101,57/max/0/default.png") == whole.crop(17, 23, 101, 57), "region")
    check(picture("290,170,1000,1000/max/0/default.png") == whole.crop(290, 170, 10, 10), "over the edge")
    check(picture("pct:10,50,20,10/max/0/default.png") == whole.crop(30, 90, 60, 18), "percent")
    turns = {"90": lambda x, y: (17 + y, 79 - x), "180": lambda x, y: (117 - x, 79 - y), "270": lambda x, y: (117 - y, 23 + x),
             "!0": lambda x, y: (117 - x, 23 + y), "!90": lambda x, y: (117 - y, 79 - x), "!180": lambda x, y: (17 + x, 79 - y),
             "!270": lambda x, y: (17 + y, 23 + x)}
    for turn, where in turns.items():
        across = turn.endswith("90") or turn.endswith("270")
        size = (57, 101) if across else (101, 57)
        check(picture(f"17,23,101,57/max/{turn}/default.png") == whole.made(*size, where), "turn", turn)
    sizes = {"150,": (150, 90), ",60": (100, 60), "pct:50": (150, 90), "100,100": (100, 100), "!100,100": (100, 60), "!900,100": (167, 100),
             "max": (300, 180), "^max": (1200, 720), "37,11": (37, 11), "^!600,900": (600, 360), "!3000,3000": (300, 180)}
    for text, size in sizes.items():
        got = struct.unpack(">II", shown(server, f"{base}/full/{text}/0/default.png").body[16:24])
        check(got == size, text, got)
    answer = part("0,0,300,180/,90/90/color.webp")
    link = f'<http://127.0.0.1:{server.port}{base}/full/150,90/90/default.webp>;rel="canonical"'
    check(answer.headers["Link"] == link and answer.headers["Content-Type"] == "image/webp", answer.headers)
    check(answer.headers["Access-Control-Allow-Origin"] == "*", answer.headers)
    check(part("full/max/0/default.jpg", Origin="http://elsewhere.example").status == 200, "another site's viewer")
    check(part("full/max/0/none.png").headers["Access-Control-Allow-Origin"] == "*", "errors are for viewers, too")
    options = server.ask("OPTIONS", base + "/info.json", None, {"Origin": "http://elsewhere.example"})
    check(options.status == 204 and options.headers["Access-Control-Allow-Headers"] == "Authorization", options.headers)
    check(server.ask("DELETE", base.replace("iiif/3", "v1/pictures")).status == 204, "delete")
    part("full/max/0/default.png").error(404)
    check(server.ask("DELETE", base.replace("iiif/3", "v1/pictures")).status == 404, "delete")
    server.stop()


def test_info(program, work):
    """info.json, and what it promises is there."""
    source = make_picture(work / "in.png", 1100, 700)
    server = Server(program, work, "--memory", "300M")
    base = send(server, source)
    answer = server.get(base)
    check(answer.status == 303 and answer.headers["Location"].endswith(base + "/info.json"), answer.status, answer.headers)
    answer = shown(server, base + "/info.json")
    info = answer.json()
    check(answer.headers["Content-Type"] == "application/json" and answer.headers["Access-Control-Allow-Origin"] == "*", answer.headers)
    check(info["id"] == f"http://127.0.0.1:{server.port}{base}" and info["profile"] == "level2", info)
    check((info["width"], info["height"]) == (1100, 700) and info["type"] == "ImageService3", info)
    linked = server.get(base + "/info.json", Accept="application/ld+json").headers["Content-Type"]
    check(linked == f'application/ld+json;profile="{info["@context"]}"', linked)
    check(info["sizes"] == [{"width": 275, "height": 175}, {"width": 550, "height": 350}, {"width": 1100, "height": 700}], info["sizes"])
    tiles = info["tiles"][0]
    check(tiles == {"width": 256, "scaleFactors": [1, 2, 4]}, tiles)
    for factor in tiles["scaleFactors"]:
        w, h = min(1024, 256 * factor), min(512, 256 * factor)
        tile = Picture.read(shown(server, f"{base}/0,0,{w},{h}/{w // factor},{h // factor}/0/default.png").body)
        check((tile.width, tile.height) == (w // factor, h // factor), factor)
    server.stop()


def test_enlarged(program, work):
    """Sizes beyond the picture's: what the command makes of the whole, in any order, together or alone."""
    source = make_picture(work / "in.png", 300, 270)
    server = Server(program, work, "--memory", "300M")
    base = send(server, source)
    parts = [(0, 0, 256, 256), (256, 0, 44, 256), (256, 256, 44, 14), (200, 230, 77, 40), (0, 0, 1, 1), (299, 269, 1, 1)]
    for scale in (2, 3):
        whole = command_result(program, work, source, "--model", f"photo-{scale}x")
        for x, y, w, h in parts:
            got = Picture.read(shown(server, f"{base}/{x},{y},{w},{h}/%5E{scale * w},{scale * h}/0/default.png").body)
            most, samples = got.difference(whole.crop(scale * x, scale * y, scale * w, scale * h))
            check(most <= 1 and samples <= 0.0001 * 3 * got.width * got.height + 1, scale, x, y, most, samples)
    turned = Picture.read(shown(server, f"{base}/10,20,30,40/%5E60,80/90/default.png").body)
    plain = Picture.read(shown(server, f"{base}/10,20,30,40/%5E60,80/0/default.png").body)
    check(turned == plain.made(80, 60, lambda x, y: (y, 79 - x)), "turned")
    between = Picture.read(shown(server, f"{base}/10,20,30,40/%5E45,60/0/default.png").body)
    check((between.width, between.height) == (45, 60), "between", between.width)
    other, found = send(server, source), {}

    def ask(i):
        x, y, w, h = parts[i]
        found[i] = shown(server, f"{other}/{x},{y},{w},{h}/%5E{2 * w},{2 * h}/0/default.png").body
    threads = [threading.Thread(target=ask, args=(i,)) for i in reversed(range(len(parts)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    for i, (x, y, w, h) in enumerate(parts):
        check(found[i] == shown(server, f"{base}/{x},{y},{w},{h}/%5E{2 * w},{2 * h}/0/default.png").body, "another order", i)
    server.stop()


def test_refused(program, work):
    """What cannot be read is 400, what there is not 501, what is not there 404; nothing leads out of the spool."""
    source = make_picture(work / "in.png", 300, 180)
    server = Server(program, work, "--memory", "300M")
    base = send(server, source)
    for text in ("full/max/0", "full/max/0/default", "full/max/0/default.png/x", "0,0,0,5/max/0/default.png", "300,0,5,5/max/0/default.png",
                 "1,2,3/max/0/default.png", "-1,0,5,5/max/0/default.png", "1.5,0,5,5/max/0/default.png", "pct:0,0,0,9/max/0/default.png",
                 "all/max/0/default.png", "full/0,/0/default.png", "full/,/0/default.png", "full/301,/0/default.png", "full/pct:0/0/default.png",
                 "full/pct:101/0/default.png", "full/!0,5/0/default.png", "full/!5,/0/default.png", "full/huge/0/default.png",
                 "full/5,5,5/0/default.png", "full/max/361/default.png", "full/max/-90/default.png", "full/max/!/default.png",
                 "full/max/0/best.png", "full/max/0/default.exe", "full/max/0/..%2f..%2fin.png", "../../etc/passwd",
                 "nan,0,1,1/max/0/default.png", "99999999999999999999999999,0,1,1/max/0/default.png"):
        server.get(f"{base}/{text}").error(400)
    for text in ("full/max/45/default.png", "full/max/22.5/default.png", "full/max/0/gray.png", "full/max/0/bitonal.png",
                 "full/max/0/default.tif", "full/%5E1201,/0/default.png"):
        check(server.get(f"{base}/{text}").error(501) == "not_implemented", text)
    for path in ("/iiif/3/" + "0" * 32 + "/info.json", "/iiif/3/abc/info.json", "/iiif/3/../v1/jobs", "/iiif/2/x", base + "x"):
        server.get(path).error(404)
    check(server.ask("DELETE", base + "/info.json").status == 405, "method")
    text = server.ask("POST", "/v1/pictures", b"no picture", {"Content-Type": "image/png"}).json()
    server.get(f"/iiif/3/{text['id']}/info.json").error(422)
    server.ask("POST", "/v1/pictures?scale=2", b"", {"Content-Type": "image/png"}).error(422, "scale")
    waiting = server.post(source, scale="4").json()["id"]
    check(server.get(f"/iiif/3/{waiting}/info.json").status in (200, 409), "a job that is not done")
    measured = server.wait(server.post(source, source, op="compare"))
    server.get(f"/iiif/3/{measured['id']}/info.json").error(409)
    said = server.get(f"/iiif/3/{text['id']}/full/max/0/default.png").body.decode()
    check(str(work) not in said and not re.search(r"/tmp|/var", said), "tells where things lie", said)
    check(json.loads(said)["error"]["code"] == "unprocessable", said)
    server.stop()


def test_store(program, work):
    """What was enlarged makes room for what is asked next; what the store cannot hold is 503."""
    source = make_picture(work / "in.png", 700, 500)
    server = Server(program, work, "--memory", "300M", "--store", "5M")
    base = send(server, source)

    def enlarged(x, y):
        return shown(server, f"{base}/{x},{y},64,64/%5E128,128/0/default.png").body
    cells = [(0, 0), (256, 0), (512, 0), (0, 256), (256, 256), (512, 256)]
    first = [enlarged(*at) for at in cells]
    folder = server.spools()[0]
    kept = [p for p in folder.rglob("enlarged-*")]
    held = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    check(0 < len(kept) < len(cells) and held < 5 << 20, len(kept), held)
    check([enlarged(*at) for at in cells] == first, "other bytes when made again")
    answer = server.get(f"{base}/full/max/0/default.png")
    check(answer.status == 200, answer.status)
    answer = server.get(f"{base}/full/%5Emax/0/default.png")
    check(answer.error(503) == "unavailable" and int(answer.headers["Retry-After"]) > 0, answer.headers)
    server.stop()


def test_end(program, work):
    """A server that ends answers those who wait for a part; one whose client is gone goes on."""
    source, found = make_picture(work / "in.png", 1200, 900), []
    server = Server(program, work, "--memory", "300M", "--grace", "1")
    base = send(server, source)
    impatient = server.connect()
    impatient.request("GET", f"{base}/0,0,256,256/%5E512,512/0/default.png")
    impatient.close()
    shown(server, f"{base}/full/max/0/default.jpg")
    thread = threading.Thread(target=lambda: found.append(server.get(f"{base}/full/%5E4600,/0/default.png").status))
    thread.start()
    while server.metric("jobs_running") == 0:
        time.sleep(0.01)
    server.stop()
    thread.join(60)
    check(found == [503], found)


def test_memory(program, work):
    """A picture of several times the budget's pixels: its levels, parts and an enlarged part stay within the budget."""
    small, large = make_picture(work / "small.png", 625, 469), work / "large.jpg"
    (work / "eight.tfm").write_text(MAP.format(0.125, 0.125))
    subprocess.run([program, "warp", "--quiet", "--field", work / "eight.tfm", "--size", "5000x3750", "--interpolate", "bilinear",
                    "--outside", "edge", small, large], check=True, timeout=300)
    server = Server(program, work, "--memory", "160M")
    base = send(server, large)
    info = shown(server, base + "/info.json").json()
    check((info["width"], info["height"]) == (5000, 3750), info)
    for text in ("full/600,/0/default.jpg", "4400,3400,512,256/max/0/default.png", "4400,3400,256,256/%5E512,512/90/default.png",
                 "0,0,3000,3000/max/270/default.png"):
        shown(server, f"{base}/{text}")
    check(SANITIZED or server.peak() <= 160 << 20, "peak", server.peak() / (1 << 20))
    print(f"      peak {server.peak() / (1 << 20):.1f} MiB of 160")
    server.stop()


TESTS = {name[5:]: value for name, value in list(globals().items()) if name.startswith("test_")}

if __name__ == "__main__":
    sys.exit(main(sys.argv, TESTS))
