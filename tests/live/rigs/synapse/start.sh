#!/usr/bin/env bash
# Start a fresh Synapse site on 127.0.0.1, SQLite, no federation.   start.sh [DATA_FOLDER [SITE]]
# SITE (default: run) names the site's folder, so that two sites can run from one installation.
# RATELIMIT=on keeps Synapse's own limits: 429 comes after about ten messages. Otherwise there are none.
# The last line printed is the path of site.json.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
DATA=$(data_folder synapse "${1:-}")
SITE=${2:-run}
RUN=$DATA/$SITE
[ -e "$DATA/installed" ] || fail "The Synapse rig is not installed in $DATA: run $HERE/install.sh first."
umask 077

"$HERE/stop.sh" "$DATA" "$SITE" >/dev/null
rm -rf "$RUN"
mkdir -p "$RUN"
cd "$RUN"

random() { head -c 32 /dev/urandom | base64 | tr -d '=\n'; }
port=$(free_ports 1)
shared_secret=$(random)
printf 'ed25519 a_rig %s\n' "$(random)" >signing.key
cat >homeserver.yaml <<Y
server_name: rig.test
public_baseurl: "http://127.0.0.1:$port/"
listeners:
  - {bind_addresses: ["127.0.0.1"], port: $port, tls: false, type: http, resources: [{names: [client]}]}
database: {name: sqlite3, args: {database: "$RUN/homeserver.db"}}
media_store_path: "$RUN/media"
signing_key_path: "$RUN/signing.key"
registration_shared_secret: "$shared_secret"
macaroon_secret_key: "$(random)"
form_secret: "$(random)"
trusted_key_servers: []
federation_domain_whitelist: []
report_stats: false
url_preview_enabled: false
# A first sync is otherwise answered from a cache for two minutes, and a new invitation is not in it.
caches:
  sync_response_cache_duration: 0s
presence: {enabled: false}
server_notices:
  system_mxid_localpart: notices
  system_mxid_display_name: Server notices
  room_name: Messages from the moderators
Y
if [ "${RATELIMIT:-off}" = off ]; then
  unlimited='{per_second: 10000, burst_count: 10000}'
  cat >>homeserver.yaml <<Y
rc_message: $unlimited
rc_reports: $unlimited
rc_room_creation: $unlimited
rc_admin_redaction: $unlimited
rc_login: {address: $unlimited, account: $unlimited, failed_attempts: $unlimited}
rc_joins: {local: $unlimited}
rc_invites: {per_room: $unlimited, per_user: $unlimited, per_issuer: $unlimited}
Y
fi

setsid nohup "$DATA/venv/bin/python" -m synapse.app.homeserver -c homeserver.yaml >server.log 2>&1 </dev/null &
server=$!
for _ in {1..300}; do
  if is_healthy "$port"; then break; fi
  kill -0 "$server" 2>/dev/null || break
  sleep 0.2
done
if ! is_healthy "$port"; then
  tail -30 server.log >&2
  "$HERE/stop.sh" "$DATA" "$SITE" >/dev/null
  fail "Synapse did not come up; its log is $RUN/server.log."
fi
printf '{"url": "http://127.0.0.1:%s", "shared_secret": "%s"}\n' "$port" "$shared_secret" >site.json
echo "$RUN/site.json"
