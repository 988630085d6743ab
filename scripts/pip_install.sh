#!/bin/sh
# Installs what a file of requirements lists: pip_install.sh PYTHON FILE
# On a terminal one line shows how far pip is. All that pip said is printed if it fails.

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
{
    "$1" -m pip install --require-hashes -r "$2" 2>&1
    echo $? > "$folder/status"
} | while IFS= read -r line; do
    printf '%s\n' "$line" >> "$folder/output"
    [ ! -t 1 ] || printf '\r\033[K%.76s' "$line"
done
[ ! -t 1 ] || printf '\r\033[K'
[ "$(cat "$folder/status" 2> /dev/null)" = 0 ] && exit
[ ! -e "$folder/output" ] || cat "$folder/output" >&2
exit 1
