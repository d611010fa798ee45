# Where the Ozone rig keeps things; sourced by its scripts, which have set DATA.

RUN=$DATA/run
# shellcheck disable=SC2012  # version folders have tame names
POSTGRES_BIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)

# PostgreSQL refuses to run as root, and its own user may not be able to enter our data folder (a checkout in a
# private home). So for root its files lie in that user's home, under a name made from the data folder's.
if [ "$(id -u)" = 0 ] && getent passwd postgres >/dev/null; then
  DATABASE=$(getent passwd postgres | cut -d: -f6)/modconsole-rig-$(printf '%s' "$DATA" | cksum | cut -d' ' -f1)
  as_database_user() { (cd / && runuser -u postgres -- "$@"); }
else
  DATABASE=$RUN/database
  as_database_user() { "$@"; }
fi
