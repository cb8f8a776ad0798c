# SPDX-License-Identifier: MIT
"""Completion for bash, zsh and fish."""
from tables import choices, is_file, spellings, takes_value

NOTE = "# Written by tools/docs/generate.py from the options tables; do not edit.\n"
MODEL_ACTIONS = ["list", "info", "add", "install"]


def commands(tables):
    return tables["ops"] + tables["commands"]


def names(entries):
    return " ".join(entry["name"] for entry in entries)


def words(entry):
    return " ".join(word for option in entry["options"] for word in spellings(option))


def reply(candidates):
    """Bash: offer those of the words that begin like the one at the cursor."""
    return f'COMPREPLY=($(compgen -W "{candidates}" -- "$cur"))'


def bash_second(indent, candidates):
    """Bash: when the cursor is at the second word, offer these and be done."""
    return (f'{indent}if [ "$COMP_CWORD" = 2 ]; then\n{indent}    {reply(candidates)}\n'
            f"{indent}    return\n{indent}fi\n")


def bash_values(entry):
    """Lines of a case over the word before the cursor."""
    lines = ""
    for option in entry["options"]:
        pattern = "|".join(spellings(option))
        if choices(option):
            lines += f"            {pattern}) {reply(' '.join(choices(option)))}; return ;;\n"
        elif takes_value(option) and not is_file(option):
            lines += f"            {pattern}) return ;;\n"
    return lines


def bash(tables):
    text = "# shellcheck shell=bash\n" + NOTE + "_tilewright() {\n"
    text += "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} op=${COMP_WORDS[1]} options=\n"
    text += "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" = 1 ]; then\n"
    text += f"        {reply(names(commands(tables)) + ' --help --version')}\n        return\n    fi\n"
    text += "    case $op in\n        plan|help)\n" + bash_second(" " * 12, names(tables["ops"]))
    text += "            op=${COMP_WORDS[2]} ;;\n"
    text += "        models)\n" + bash_second(" " * 12, " ".join(MODEL_ACTIONS)) + "            ;;\n    esac\n"
    text += "    case $op in\n"
    for entry in commands(tables):
        if entry["name"] in ("plan", "help"):
            continue
        text += f"    {entry['name']})\n        options=\"{words(entry)}\"\n        case $prev in\n"
        text += bash_values(entry) + "        esac ;;\n"
    text += "    esac\n    case $cur in\n"
    text += "        -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
    text += "        *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n    esac\n}\n"
    return text + "complete -o filenames -F _tilewright tilewright\n"


def zsh_escape(text):
    for char in "\\[]:":
        text = text.replace(char, "\\" + char)
    return text.replace("'", "'\\''")


def zsh_options(entry):
    lines = []
    for option in entry["options"]:
        value = ""
        if takes_value(option):
            action = f"({' '.join(choices(option))})" if choices(option) else "_files" if is_file(option) else " "
            value = f":{zsh_escape(option['value'])}:{action}"
        for word in spellings(option):
            lines.append(f"        '{word}[{zsh_escape(option['help'])}]{value}'")
    return " \\\n".join(lines)


def zsh(tables):
    text = "#compdef tilewright\n" + NOTE + "_tilewright() {\n    local -a commands\n    commands=(\n"
    for entry in commands(tables):
        text += f"        '{entry['name']}:{zsh_escape(entry['summary'])}'\n"
    text += "    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
    text += "    local op=$words[2]\n    if [[ $op == plan || $op == help ]]; then\n"
    text += f"        if (( CURRENT == 3 )); then\n            compadd {names(tables['ops'])}\n            return\n        fi\n"
    text += "        op=$words[3]\n        shift words; (( CURRENT-- ))\n    fi\n    shift words; (( CURRENT-- ))\n    case $op in\n"
    for entry in commands(tables):
        if entry["name"] in ("plan", "help"):
            continue
        first = f"        '1:command:({' '.join(MODEL_ACTIONS)})' \\\n" if entry["name"] == "models" else ""
        text += f"    {entry['name']})\n        _arguments -s \\\n{first}{zsh_options(entry)} \\\n"
        text += "        '*:file:_files' ;;\n"
    return text + "    esac\n}\n_tilewright \"$@\"\n"


def fish_quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish_option(condition, option):
    line = f"complete -c tilewright -n {condition}"
    if option["letter"]:
        line += f" -s {option['letter']}"
    line += f" -l {option['name']}"
    if option["alias"]:
        line += f" -l {option['alias']}"
    if choices(option):
        line += f" -x -a {fish_quote(' '.join(choices(option)))}"
    elif takes_value(option):
        line += " -r" if is_file(option) else " -x"
    return line + f" -d {fish_quote(option['help'])}\n"


def fish(tables):
    text = NOTE
    for entry in commands(tables):
        text += (f"complete -c tilewright -n __fish_use_subcommand -f -a {entry['name']} "
                 f"-d {fish_quote(entry['summary'])}\n")
    for name in ("plan", "help"):
        text += (f"complete -c tilewright -n '__fish_seen_subcommand_from {name}' -f -a "
                 f"{fish_quote(names(tables['ops']))}\n")
    text += f"complete -c tilewright -n '__fish_seen_subcommand_from models' -f -a {fish_quote(' '.join(MODEL_ACTIONS))}\n"
    for entry in commands(tables):
        if entry["name"] in ("plan", "help"):
            continue
        for option in entry["options"]:
            text += fish_option(fish_quote(f"__fish_seen_subcommand_from {entry['name']}"), option)
    return text
