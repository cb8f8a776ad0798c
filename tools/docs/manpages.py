# SPDX-License-Identifier: MIT
"""man/tilewright.1, one page per operator and per command with a text of its own, in man macros."""
from tables import beside, bounds, shared_title, spellings, split, takes_value

NOTE = '.\\" Written by tools/docs/generate.py from the options tables; do not edit.\n'
EXITS = [(0, "done"), (1, "failed while running: unwritable output, full disk, engine error; verify: a difference above the bound"),
         (2, "bad usage: unknown option, unknown model, container that cannot hold the result"),
         (3, "input missing, truncated or refused; malformed model"),
         (4, "the memory budget or the scratch limit cannot hold the work"), (5, "no such device, or it failed"),
         (130, "interrupted; partial output removed")]


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def paragraphs(text):
    return "\n.PP\n".join(escape(" ".join(part.split())) for part in text.split("\n\n") if part.strip())


def head(tables, name, summary):
    return (f'{NOTE}.TH {name.upper().replace("-", chr(92) + "-")} 1 "" "tilewright {tables["version"]}" "User Commands"\n'
            f".SH NAME\n{escape(name)} \\- {escape(summary)}\n")


def option_lines(options):
    lines = []
    for option in options:
        names = ", ".join(f"\\fB{escape(word)}\\fR" for word in spellings(option))
        value = f" \\fI{escape(option['value'])}\\fR" if takes_value(option) else ""
        text = option["help"]
        if option["choices"] and option["choices"] != option["value"]:
            text += "; one of " + option["choices"].replace("|", ", ")
        limits = bounds(option)
        if limits and limits not in ("bytes", "px"):
            text += f"; {limits}"
        if option["default"]:
            text += f" (default {option['default']})"
        lines.append(f".TP\n{names}{value}\n{escape(text[:1].upper() + text[1:])}.\n")
    return "".join(lines)


def exit_status():
    return ".SH EXIT STATUS\n" + "".join(f".TP\n\\fB{code}\\fR\n{escape(text)}\n" for code, text in EXITS)


def overview(tables):
    _, common = split(tables)
    page = head(tables, "tilewright", "big images, small memory, no seams")
    page += ".SH SYNOPSIS\n.B tilewright\n.I OP ARGS\n.RI [ options ]\n"
    page += (".SH DESCRIPTION\nWorks on pictures of any size inside a memory budget that you name, with the result that an "
             "untiled computation would have given.\nA \\- stands for standard input or output.\n.SH COMMANDS\n")
    for entry in tables["ops"] + tables["commands"]:
        page += (f".TP\n\\fB{escape(entry['name'])}\\fR \\fI{escape(entry['usage'])}\\fR\n"
                 f"{escape(entry['summary'][:1].upper() + entry['summary'][1:])}.\n")
    page += ".SH OPTIONS OF EVERY OPERATOR\n" + option_lines(common)
    models = [c for c in tables["commands"] if c["name"] == "models"]
    if models:
        page += ".SH OPTIONS OF MODELS\n" + option_lines(models[0]["options"])
    page += ".SH CONFIGURATION\n" + paragraphs(
        "The file named by --config holds options by their names, one `name: value` a line. Options on the command line win. "
        "Keys of other operators are passed over, so that one file may serve several.") + "\n"
    page += exit_status()
    others = ", ".join(f"\\fBtilewright\\-{escape(op['name'])}\\fR(1)" for op in tables["ops"] + described(tables))
    return page + f".SH SEE ALSO\n{others}\n"


def described(tables):
    return [command for command in tables["commands"] if command["about"]]


def command(tables, entry):
    own, shared = beside(entry, tables["ops"][0])
    page = head(tables, f"tilewright-{entry['name']}", entry["summary"])
    page += f".SH SYNOPSIS\n.B tilewright {escape(entry['name'])}\n.I {escape(entry['usage'])}\n.RI [ options ]\n"
    page += f".SH DESCRIPTION\n{paragraphs(entry['about'])}\n.SH OPTIONS\n{option_lines(own)}"
    page += f".SH OPTIONS OF {shared_title(shared).upper()}\n" + option_lines(shared)
    return page + exit_status() + ".SH SEE ALSO\n\\fBtilewright\\fR(1), \\fBtilewright\\-upscale\\fR(1)\n"


def operator(tables, op):
    own, common = split(tables)
    page = head(tables, f"tilewright-{op['name']}", op["summary"])
    page += f".SH SYNOPSIS\n.B tilewright {escape(op['name'])}\n.I {escape(op['usage'])}\n.RI [ options ]\n"
    page += f".SH DESCRIPTION\n{paragraphs(op['about'] or op['summary'])}\n"
    if own[op["name"]]:
        page += ".SH OPTIONS\n" + option_lines(own[op["name"]])
    page += ".SH OPTIONS OF EVERY OPERATOR\n" + option_lines(common)
    return page + exit_status() + ".SH SEE ALSO\n\\fBtilewright\\fR(1)\n"
