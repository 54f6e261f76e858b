#!/usr/bin/env bash
# Installs the Debian packages of scripts/packages.txt that are missing.
# Root or sudo; asks nothing; does nothing when all are there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

mapfile -t packages < <(sed -e 's/#.*//' "$here/packages.txt" | awk 'NF {print $1}')

if ! command -v apt-get >/dev/null; then
  echo "setup: no apt-get here. Ingot is built on Debian 12; elsewhere, install:" >&2
  printf '  %s\n' "${packages[@]}" >&2
  exit 2
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: installing needs root, and there is no sudo. As root, run: apt-get install ${missing[*]}" >&2
    exit 2
  fi
  sudo=(sudo)
fi

apt() {
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

echo "setup: installing ${missing[*]}"
apt update >/dev/null || echo "setup: apt-get update failed; going on with the package lists that are there" >&2

unknown=()
for package in "${missing[@]}"; do
  candidate=$(apt-cache policy "$package" 2>/dev/null | awk '/Candidate:/ {print $2}')
  case "$candidate" in "" | "(none)") unknown+=("$package") ;; esac
done
if [ ${#unknown[@]} -ne 0 ]; then
  release=$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-unknown}")
  {
    echo "setup: no configured package source has: ${unknown[*]}"
    echo "setup: this system is $release. Debian 12 has all of them, the ones of LLVM 22 in its"
    echo "setup: security archive (bookworm-security); https://apt.llvm.org has LLVM 22 for others."
  } >&2
  exit 2
fi

if ! apt install -y --no-install-recommends "${missing[@]}"; then
  echo "setup: apt-get could not install: ${missing[*]} (its message is above)" >&2
  exit 2
fi
echo "setup: done"
