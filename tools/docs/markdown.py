# SPDX-License-Identifier: MIT
"""docs/options.md"""
from tables import beside, bounds, shared_title, spellings, split, takes_value

HEAD = """<!-- Written by tools/docs/generate.py from the options tables; do not edit: `make docs`. -->
# Options

Every option can be given as `--name value`, `--name=value`, in a configuration file (`--config FILE.yaml`, key `name`,
`-` or `_` alike), and by API as `tw_job_set(job, "name", "value", &err)`. Sizes: `512M`, `1.5G`, `50%`, plain bytes.
"""


def cell(text):
    return text.replace("|", "\\|")


def table(options):
    lines = ["| option | value | default | meaning | since |", "|---|---|---|---|---|"]
    for option in options:
        value = option["choices"] or (option["value"] if takes_value(option) else "")
        limits = bounds(option)
        if limits and limits not in ("bytes",):
            value = f"{value} ({limits})"
        names = ", ".join(f"`{word}`" for word in spellings(option))
        default = f"`{option['default']}`" if option["default"] else ""
        lines.append(f"| {names} | {cell(value)} | {default} | {cell(option['help'])} | {option['since'] or ''} |")
    return "\n".join(lines) + "\n"


def options(tables):
    own, common = split(tables)
    parts = [HEAD]
    for op in tables["ops"]:
        parts.append(f"## {op['name']}\n\n`tilewright {op['name']} {op['usage']} [options]`: {op['summary']}.\n")
        if op["about"]:
            parts.append(op["about"].rstrip("\n") + "\n")
        if own[op["name"]]:
            parts.append(table(own[op["name"]]))
    parts.append("## Every operator\n\n" + table(common))
    for command in tables["commands"]:
        if command["name"] == "models":
            parts.append(f"## models\n\n`tilewright models {command['usage']}`: {command['summary']}.\n\n" +
                         table(command["options"]))
        elif command["about"]:
            own, shared = beside(command, tables["ops"][0])
            parts.append(f"## {command['name']}\n\n`tilewright {command['name']} {command['usage']} [options]`: "
                         f"{command['summary']}.\n\n{command['about']}\n\n" + table(own) +
                         f"\nand those of {shared_title(shared)}: " + ", ".join(f"`--{option['name']}`" for option in shared) + ".\n")
    parts.append("## Letters kept from the ncnn upscalers\n\nWhere an operator has such an option.\n\n" +
                 "\n".join(["| letter | stands for |", "|---|---|"] +
                           [f"| `-{entry['letter']}{' ' + entry['value'] if entry['value'] else ''}` | {cell(entry['help'])} |"
                            for entry in tables["letters"]]) + "\n")
    return "\n".join(parts)
