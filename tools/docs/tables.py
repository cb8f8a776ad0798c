# SPDX-License-Identifier: MIT
"""What the writers share: reading an option's row."""


def job_options(op):
    """Those that the library knows: the operator's and the common ones. What comes behind them is the command line's."""
    last = max(i for i, option in enumerate(op["options"]) if option["name"] == "overwrite")
    return op["options"][:last + 1]


def spellings(option):
    """["-t", "--tile", "--tile-size"]"""
    words = [f"-{option['letter']}"] if option["letter"] else []
    words.append(f"--{option['name']}")
    if option["alias"]:
        words.append(f"--{option['alias']}")
    return words


def choices(option):
    """Words that can be completed: choices without placeholders for numbers."""
    if option["type"] == "bool":
        return ["true", "false"]
    words = (option["choices"] or "").split("|")
    return [word for word in words if word and not word.split(":")[-1].isupper()]


def is_file(option):
    return option["type"] == "file"


def takes_value(option):
    return option["type"] != "flag"


def number(value):
    return str(int(value)) if value == int(value) else repr(value)


def bounds(option):
    """ "1 to 8 px", "px" or ""."""
    text = ""
    if option["max"] > option["min"] and option["max"] < 1e12:  # larger ones only say that there is a number
        text = f"{number(option['min'])} to {number(option['max'])}"
    return " ".join(word for word in (text, option["unit"]) if word)


def beside(command, op):
    """(options of the command's own, those it shares with the operator)"""
    shared = {o["name"] for o in op["options"]}
    return ([o for o in command["options"] if o["name"] not in shared],
            [o for o in command["options"] if o["name"] in shared])


def shared_title(options):
    """Whose options a command shares with the first operator."""
    return "every operator" if all(option["common"] for option in options) else "upscale"


def split(tables):
    """(own options by operator name, options that every operator takes)"""
    own = {op["name"]: [o for o in op["options"] if not o["common"]] for op in tables["ops"]}
    common = [o for o in tables["ops"][0]["options"] if o["common"]] if tables["ops"] else []
    return own, common
