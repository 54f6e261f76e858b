#!/usr/bin/env bash
# Checks and measures this machine's NVIDIA GPU with a bundle that
# scripts/gpu-bundle.py has made on another machine. Needs a driver, and nothing
# else. Writes BUNDLE/report.txt and prints its end.
set -uo pipefail

usage() {
  echo "usage: gpu-check.sh [BUNDLE]   (default: the folder of this script)"
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
esac
bundle=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
[ -x "$bundle/gpu-check" ] || { echo "gpu-check.sh: $bundle is no bundle" >&2; exit 2; }

# Eight minutes are enough for everything; a hang is a failure.
export INGOT_CACHE_DIR=${INGOT_CACHE_DIR:-off}
timeout 480 "$bundle/gpu-check" "$bundle" "$bundle/report.txt"
status=$?
[ $status != 124 ] || echo "FAIL gpu-check took more than 480 s" >>"$bundle/report.txt"
grep '^FAIL' "$bundle/report.txt" | head -n 20
grep '^time' "$bundle/report.txt"
tail -n 3 "$bundle/report.txt"
exit $status
