#!/usr/bin/env bash
# Stop whatever the Ozone rig has running, also after a crash. Stopping twice is fine.   stop.sh [DATA_FOLDER]
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
DATA=$(data_folder ozone "${1:-}")
. "$HERE/folders.sh"

stop_servers_in "$RUN" "$DATABASE"
rm -rf "$DATABASE"
echo "ozone: stopped"
