#!/usr/bin/env bash
# Install Bluesky's moderation service inside the AT Protocol test network.   install.sh [--check] [DATA_FOLDER]
# Everything from npm is pinned, with its checksum, in package-lock.json; PostgreSQL and redis are Debian's.
# With --check: install nothing, say in one sentence what would be missing.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../common.sh"
CHECK=no
if [ "${1:-}" = --check ]; then CHECK=yes && shift; fi
DATA=$(data_folder ozone "${1:-}")

[ -d /proc/self ] || fail "The Ozone rig needs Linux: it finds its servers through /proc."
for tool in node npm make g++ python3 runuser setsid; do
  command -v "$tool" >/dev/null || fail "The Ozone rig needs the program '$tool', which is not installed (Debian: nodejs npm build-essential python3 util-linux)."
done
NODE_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
[ -e "$NODE_HOME/include/node/node.h" ] ||
  fail "The Ozone rig compiles one Node module and needs Node's headers, which are not in $NODE_HOME/include/node (Debian: libnode-dev)."
NPM_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
GYP=
for candidate in "$NPM_HOME/node_modules/node-gyp" "$NPM_HOME/../node-gyp"; do
  if [ -z "$GYP" ] && [ -e "$candidate/bin/node-gyp.js" ]; then GYP=$candidate/bin/node-gyp.js; fi
done
[ -n "$GYP" ] || fail "The Ozone rig needs node-gyp, which usually comes with npm and is not beside it in $NPM_HOME (Debian: node-gyp)."

packages=()
ls -d /usr/lib/postgresql/*/bin >/dev/null 2>&1 || packages+=(postgresql)
command -v redis-server >/dev/null || packages+=(redis-server)
if [ ${#packages[@]} -gt 0 ] && { [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; }; then
  fail "The Ozone rig needs the packages ${packages[*]}, which only root can install, with apt-get."
fi
if [ "$CHECK" = yes ]; then exit 0; fi

if [ ${#packages[@]} -gt 0 ]; then
  echo "ozone: installing ${packages[*]} with apt-get"
  apt-get -q update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "${packages[@]}" >/dev/null
fi

mkdir -p "$DATA"
wanted="$(cat "$HERE/package-lock.json" "$HERE/install.sh" | cksum) node $(node --version)"
if [ "$(cat "$DATA/installed" 2>/dev/null)" = "$wanted" ]; then
  echo "ozone: already installed in $DATA"
  exit 0
fi
rm -f "$DATA/installed"
echo "ozone: installing the test network from npm"
cp "$HERE/package.json" "$HERE/package-lock.json" "$DATA/"
cd "$DATA"
# No package's own script is run; the one native module that is needed is compiled below, from its source in the package.
npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
echo "ozone: compiling better-sqlite3 (about a minute)"
cd node_modules/better-sqlite3
if ! node "$GYP" rebuild --release --nodedir="$NODE_HOME" >"$DATA/compile.log" 2>&1; then
  tail -20 "$DATA/compile.log" >&2
  fail "better-sqlite3 did not compile; the whole log is $DATA/compile.log."
fi
printf '%s\n' "$wanted" >"$DATA/installed"
echo "ozone: installed in $DATA"
