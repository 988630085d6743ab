#!/bin/sh
# Print the path of the Python that the hub runs on: the one given, else the newest there is, else
# one that uv fetches. `make` asks whenever it needs the virtual environment.

# What uv fetches: the newest that the hub was tried on.
FETCHED=3.13

# A candidate says whether it can make virtual environments, its version, and where it is. If it
# belongs to an environment, that is where the Python below it is: the environment may be replaced.
# Not being there, or being a shim of pyenv for a version that is not active, it says nothing.
PROBE='
import sys
try:
    import ensurepip, venv
    able = 1
except ImportError:
    able = 0
path = getattr(sys, "_base_executable", sys.executable)
print("%d %d %d %d %s" % ((able,) + tuple(sys.version_info[:3]) + (path,)))
'

ask() {
    "$1" -c "$PROBE" < /dev/null 2> /dev/null
}

# What the best of the candidates says: one that can make environments, of the newest version.
best_of() {
    for candidate; do
        ask "$candidate"
    done | awk '$2 == 3 && $3 >= 12' | sort -k1,1n -k3,3n -k4,4n | tail -n 1
}

# Prints what was found and ends, if it can make environments.
take() {
    case $1 in
        "1 "*) echo "${1#* * * * }" && exit 0 ;;
    esac
}

give_up() {
    echo "$1" >&2
    exit 1
}

among_commands() {
    best_of python3.14 python3.13 python3.12 python3
}

# Not those without a global lock, whose names end differently: few wheels exist for them.
in_folders() {
    uv=${UV_PYTHON_INSTALL_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/uv/python}
    best_of "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-4].*[0-9]/bin/python3 \
        "$uv"/cpython-3.1[2-4].[0-9]-*/bin/python3 "$uv"/cpython-3.1[2-4].[0-9][0-9]-*/bin/python3
}

# Without `uv` among the commands, any Python gets it from the package index, for this one time.
fetch() {
    uv=$(command -v uv) || {
        folder=$(mktemp -d) || return
        trap 'rm -rf "$folder"' EXIT
        python3 -m venv "$folder" && "$folder/bin/python" -m pip install --quiet uv || return
        uv=$folder/bin/uv
    }
    UV_PYTHON_INSTALL_BIN=0 "$uv" python install --quiet "$FETCHED"
}

if [ -n "$1" ]; then
    answer=$(ask "$1") ||
        give_up "There is no Python “$1” that runs. Name another: make run PYTHON=/path/to/python3.12"
    [ -n "$(best_of "$1")" ] ||
        give_up "Throughline needs Python 3.12 or newer, and “$1” is older. Name another, or none: make run"
    take "$answer"
    give_up "“$1” cannot make virtual environments: it lacks venv or ensurepip. On Debian and Ubuntu: apt install python3-venv"
fi

found=$(among_commands)
take "$found"
take "$(in_folders)"
echo "Fetching Python $FETCHED with uv, since there is none from 3.12 on …" >&2
fetch > /dev/null 2>&1
take "$(in_folders)"
[ -z "$found" ] ||
    give_up "“${found#* * * * }” cannot make virtual environments: it lacks venv or ensurepip. On Debian and Ubuntu: apt install python3-venv"
give_up "Throughline needs Python 3.12 or newer, and uv could not fetch one: install it, or name yours: make run PYTHON=/path/to/python3.12"
