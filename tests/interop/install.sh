#!/usr/bin/env bash
# Install Go, its module packages and openssl, from Debian.   install.sh [--check]
# With --check: install nothing, say in one sentence what would be missing.
set -euo pipefail

packages=()
command -v openssl >/dev/null || packages+=(openssl)
command -v go >/dev/null || packages+=(golang-go)
[ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ] || packages+=(golang-golang-x-mod-dev)
[ ${#packages[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The interop tests need the packages ${packages[*]}, which only root can install, with apt-get." >&2
  exit 1
fi
[ "${1:-}" != --check ] || exit 0
echo "interop: installing ${packages[*]} with apt-get"
apt-get -q update >/dev/null
DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "${packages[@]}" >/dev/null
