# SPDX-License-Identifier: MIT
"""embed.py OUT VIEWER FILE...: the files of the page as C, each under its own name; the .html under /, too. VIEWER: the folder of the npm
package openseadragon, which becomes /openseadragon.js with its licence, or nothing: the page then does without."""
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def literal(data):
    """Octal escapes never run into a digit that follows."""
    text = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data)
    pieces = [line + "\\012" for line in text.split("\\012")]
    pieces[-1] = pieces[-1][:-4]
    return "\n".join(f'        "{piece}"' for piece in pieces if piece)


def viewer(folder):
    if not folder:
        return b"// This server was built without OpenSeadragon.\n"
    script = (pathlib.Path(folder) / "build/openseadragon/openseadragon.min.js").read_bytes()
    return b"/*!\n" + (pathlib.Path(folder) / "LICENSE.txt").read_bytes() + b"*/\n" + script.partition(b"//# sourceMappingURL")[0]


def row(name, suffix, data):
    return f'    {{"{name}", "{TYPES[suffix]}",\n{literal(data)}}},'


def main():
    rows = [row("/openseadragon.js", ".js", viewer(sys.argv[2]))]
    for path in map(pathlib.Path, sys.argv[3:]):
        for name in ("/" + path.name, "/") if path.suffix == ".html" else ("/" + path.name,):
            rows.append(row(name, path.suffix, path.read_bytes()))
    pathlib.Path(sys.argv[1]).write_text('#include "http.h"\n\nconst serve_page serve_pages[] = {\n' + "\n".join(rows) +
                                         "\n    {0, 0, 0}};\n", encoding="ascii")


main()
