# SPDX-License-Identifier: MIT
"""install.py BUILD ROOT CC SANITIZERS: what `make install` puts down is enough to build and run with.

Installs into an empty folder, compiles the programs of docs/api.md against the installed pkg-config file and headers, runs
them, and looks at what lies there."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def only(folder, pattern):
    found = sorted(folder.rglob(pattern))
    if not found:
        sys.exit(f"{pattern} was not installed")
    return found[0]


def picture(path, width, height):
    data = bytes((x * 5 + y * 3 * c) % 256 for y in range(height) for x in range(width) for c in range(3))
    path.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + data)


def png_size(path):
    head = path.read_bytes()[:24]
    if head[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit(f"{path.name} is not a PNG")
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def programs(text):
    return [code for code in re.findall(r"^```c\n(.*?)^```", text, re.S | re.M) if "int main" in code]


def main():
    build, root, cc, sanitizers = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(), sys.argv[4]
    work = Path(tempfile.mkdtemp(prefix="tilewright-install-"))
    stage = work / "stage"
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", env={**os.environ, "DESTDIR": str(stage)})
    library, command = only(stage, "libtilewright.so.0"), only(stage, "bin/tilewright")
    for pattern in ("tilewright.1", "tilewright-upscale.1", "bash-completion/completions/tilewright", "_tilewright",
                    "tilewright.fish", "setup/models.py", "setup/packs.json", "setup/fetch.py", "setup/fetch.sh",
                    "setup/cache.sh", "LICENSE"):
        only(stage, pattern)
    if not os.access(only(stage, "setup/models.sh"), os.X_OK):
        sys.exit("models.sh is not executable")
    config = only(stage, "tilewright.pc")
    if str(root) in config.read_text() or str(build) in config.read_text():
        sys.exit("tilewright.pc names the build folder")

    env = {**os.environ, "PKG_CONFIG_PATH": str(config.parent), "PKG_CONFIG_SYSROOT_DIR": str(stage),
           "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1", "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
    flags = run("pkg-config", "--cflags", "--libs", "tilewright", env=env).split()
    if sanitizers != "none":
        flags.append("-fsanitize=" + sanitizers)
    picture(work / "in.ppm", 60, 40)
    env = {**os.environ, "LD_LIBRARY_PATH": str(library.parent)}
    found = programs((root / "docs/api.md").read_text(encoding="utf-8"))
    if len(found) != 2:
        sys.exit(f"docs/api.md has {len(found)} programs, not 2")
    for number, (code, scale) in enumerate(zip(found, (2, 1))):
        source, program, result = work / f"{number}.c", work / f"program{number}", work / f"{number}.png"
        source.write_text(code, encoding="utf-8")
        run(*cc, "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", source, "-o", program, *flags)
        print(run(program, work / "in.ppm", result, env=env), end="")
        if png_size(result) != (60 * scale, 40 * scale):
            sys.exit(f"program {number} wrote {png_size(result)}")
    print(run(command, "--version", env=env), end="")
    run("rm", "-r", work)


main()
