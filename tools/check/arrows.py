# SPDX-License-Identifier: MIT
"""Checks that rooms include only the rooms they may (CONTRIBUTING.md, "The house"). Exits 1 and names each wrong include."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Room -> rooms it may include, besides itself, the public headers and system headers.
ALLOWED = {
    "src/base": set(),
    "src/budget": {"base"},
    "src/image": {"base"},
    "src/model": {"base"},
    "src/blend": {"base", "image"},
    "src/engine": {"base", "model"},
    "src/field": {"base"},
    "src/ops": {"base", "budget", "image", "model", "engine", "blend", "field"},
    "src/plan": {"base", "ops", "image", "schedule"},
    "src/schedule": {"base", "plan", "ops", "image", "blend"},
    "src": {"base", "budget", "image", "engine", "field", "ops", "plan", "schedule", "job.h"},
    "apps": {"base"},
}
# A room's inner headers that others may see: an interface, not its insides.
INTERFACES = {
    "blend": {"image": {"picture.h"}},
    "plan": {"ops": {"op.h"}, "image": {"sink.h", "source.h", "picture.h"}, "schedule": {"schedule.h"}},
    "schedule": {"ops": {"op.h"}, "image": {"sink.h", "source.h"}, "plan": {"plan.h"}},
}
LIBRARIES = {"vips/": "src/image", "ncnn/": "src/engine"}


def room_of(path):
    parts = path.relative_to(ROOT).parts
    if parts[0] == "apps":
        return "apps"
    return "src/" + parts[1] if len(parts) > 2 else "src"


def main():
    wrong = 0
    for path in sorted([*ROOT.glob("src/**/*.[ch]"), *ROOT.glob("src/**/*.cpp"), *ROOT.glob("apps/**/*.[ch]")]):
        room = room_of(path)
        own = room.split("/")[-1]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
            if not found:
                continue
            name = found.group(1)
            head, _, rest = name.partition("/")
            bad = None
            for prefix, only in LIBRARIES.items():
                if name.startswith(prefix) and room != only:
                    bad = f"only {only} knows {prefix[:-1]}"
            if head in {p.name for p in (ROOT / "src").iterdir() if p.is_dir()} and head != own:
                if head not in ALLOWED[room]:
                    bad = f"{room} may not include {head}"
                elif rest not in INTERFACES.get(own, {}).get(head, {rest}):
                    bad = f"{room} may include only {sorted(INTERFACES[own][head])} of {head}"
            if bad:
                wrong += 1
                print(f"{path.relative_to(ROOT)}:{number}: {name}: {bad}")
    print(f"arrows: {wrong} wrong includes")
    return 1 if wrong else 0


sys.exit(main())
