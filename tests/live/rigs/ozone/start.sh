#!/usr/bin/env bash
# Start a fresh Ozone site: PostgreSQL, redis, then the test network, all on 127.0.0.1.   start.sh [DATA_FOLDER]
# Whatever an earlier start left behind is stopped first. The last line printed is the path of site.json.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
DATA=$(data_folder ozone "${1:-}")
[ -e "$DATA/installed" ] || fail "The Ozone rig is not installed in $DATA: run $HERE/install.sh first."
. "$HERE/folders.sh"
[ -n "$POSTGRES_BIN" ] || fail "PostgreSQL is gone from /usr/lib/postgresql: run $HERE/install.sh again."
umask 077

"$HERE/stop.sh" "$DATA" >/dev/null
rm -rf "$RUN"
mkdir -p "$RUN/tmp"
trap '"$HERE/stop.sh" "$DATA" >/dev/null || true' ERR

first_port=$(free_ports 7)
postgres_port=$first_port redis_port=$((first_port + 1)) network_port=$((first_port + 2))

as_database_user "$POSTGRES_BIN/initdb" -D "$DATABASE" -U rig -A trust --no-sync --no-locale -E UTF8 >"$RUN/initdb.log"
# A throw-away site: no promise to survive a power cut, so no waiting for the disk.
as_database_user "$POSTGRES_BIN/pg_ctl" start -w -s -D "$DATABASE" -l "$DATABASE/server.log" -o "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300"
"$POSTGRES_BIN/createdb" -h 127.0.0.1 -p "$postgres_port" -U rig rig
redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$RUN" --save '' --daemonize yes --pidfile "$RUN/redis.pid" --logfile "$RUN/redis.log" >/dev/null

cd "$RUN"
RIG_MODULES=$DATA RIG_SITE=$RUN/site.json RIG_FIRST_PORT=$network_port \
  DB_POSTGRES_URL=postgresql://rig@127.0.0.1:$postgres_port/rig REDIS_HOST=127.0.0.1:$redis_port \
  TMPDIR=$RUN/tmp NODE_ENV=development LOG_ENABLED=false \
  setsid nohup node --require "$HERE/loopback.cjs" "$HERE/run.cjs" >"$RUN/node.log" 2>&1 </dev/null &
network=$!

for _ in {1..600}; do
  if [ -e "$RUN/site.json" ]; then break; fi
  kill -0 "$network" 2>/dev/null || break
  sleep 0.2
done
if [ ! -e "$RUN/site.json" ]; then
  tail -30 "$RUN/node.log" >&2
  "$HERE/stop.sh" "$DATA" >/dev/null
  fail "The test network did not come up; its log is $RUN/node.log."
fi
echo "$RUN/site.json"
