# What every rig script needs; sourced, never run. Bash, Linux.
#
# A rig has one data folder: the installed server in it stays, the site in it (`run`) is made anew at every start.

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)

# Say in one sentence why we stop here.
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Print the data folder of a rig: the one given, else .rigs/NAME under the project (or under $MODCONSOLE_RIGS).
data_folder() {
  local name=$1 given=${2:-}
  realpath -m "${given:-${MODCONSOLE_RIGS:-$PROJECT/.rigs}/$name}"
}

# Print the first of N neighbouring ports on which nobody listens.
# They lie below the range from which the system takes ports for outgoing calls: one that is free now is free in a second.
free_ports() {
  local count=$1 first port
  while :; do
    first=$((20000 + RANDOM % 10000))
    for ((port = first; port < first + count; port++)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    printf '%s\n' "$first"
    return
  done
}

# Is the server on this port up, by its own word (GET /health)?
is_healthy() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /health HTTP/1.0\r\n\r\n' >&3 && head -1 <&3 | grep -q ' 200 ') 2>/dev/null
}

# Print the ids of our servers: those whose working folder is one of these folders, or lies in it.
# A file with an id in it goes stale, is lost with its folder, or names a stranger after a crash; the kernel's own
# record of the working folder does none of that. The program's name keeps a person's shell out of it.
servers_in() {
  local folder link program
  for folder in "$@"; do
    find /proc -maxdepth 2 -name cwd \( -lname "$folder" -o -lname "$folder/*" -o -lname "$folder (deleted)" \) 2>/dev/null || true
  done | while read -r link; do
    program=$(readlink "${link%/cwd}/exe" 2>/dev/null || true)
    case ${program##*/} in
      node* | postgres* | redis-* | python3*) link=${link%/cwd} && printf '%s\n' "${link#/proc/}" ;;
    esac
  done
}

# Stop the servers of these folders, each by its id: ask, wait up to ten seconds, then insist.
stop_servers_in() {
  local signal=TERM pid round
  for round in {1..60}; do
    [ -n "$(servers_in "$@")" ] || return 0
    [ "$round" -lt 50 ] || signal=KILL
    case $round in
      1 | 5[0-9]) for pid in $(servers_in "$@"); do kill -s "$signal" "$pid" 2>/dev/null || true; done ;;
    esac
    sleep 0.2
  done
  fail "These servers do not stop, even when told to twice: $(servers_in "$@" | tr '\n' ' ')"
}
