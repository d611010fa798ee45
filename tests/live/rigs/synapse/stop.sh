#!/usr/bin/env bash
# Stop one Synapse site, or every site of this installation, also after a crash. Stopping twice is fine.
#   stop.sh [DATA_FOLDER [SITE]]
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
DATA=$(data_folder synapse "${1:-}")

stop_servers_in "$DATA${2:+/$2}"
echo "synapse: stopped"
