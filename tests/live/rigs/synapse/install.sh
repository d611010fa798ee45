#!/usr/bin/env bash
# Install the Matrix homeserver Synapse into a virtual environment.   install.sh [--check] [DATA_FOLDER]
# Every package is pinned, with its checksum, in requirements.txt. PYTHON names the Python to use.
# With --check: install nothing, say in one sentence what would be missing.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
CHECK=no
if [ "${1:-}" = --check ]; then CHECK=yes && shift; fi
DATA=$(data_folder synapse "${1:-}")
PYTHON=${PYTHON:-python3}

[ -d /proc/self ] || fail "The Synapse rig needs Linux: it finds its server through /proc."
command -v setsid >/dev/null || fail "The Synapse rig needs the program 'setsid', which is not installed (Debian: util-linux)."
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
  fail "The Synapse rig needs Python 3.11 or newer, and '$PYTHON' is not that: set PYTHON to one that is."
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null ||
  fail "'$PYTHON' cannot make virtual environments: its venv and ensurepip modules are missing (Debian: python3-venv)."
if [ "$CHECK" = yes ]; then exit 0; fi

wanted="$(cat "$HERE/requirements.txt" "$HERE/install.sh" | cksum) $("$PYTHON" --version)"
if [ "$(cat "$DATA/installed" 2>/dev/null)" = "$wanted" ]; then
  echo "synapse: already installed in $DATA"
  exit 0
fi
echo "synapse: installing from PyPI (about a minute)"
rm -rf "$DATA/installed" "$DATA/venv"
mkdir -p "$DATA"
"$PYTHON" -m venv "$DATA/venv"
"$DATA/venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$HERE/requirements.txt"
printf '%s\n' "$wanted" >"$DATA/installed"
echo "synapse: installed in $DATA"
