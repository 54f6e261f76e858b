#!/usr/bin/env bash
# Checks and measures this machine's NVIDIA GPU with a bundle that
# scripts/gpu-bundle.py has made on another machine. Needs a driver, and nothing
# else. Writes BUNDLE/report.txt and prints its end.
set -uo pipefail

usage() {
  cat <<'END'
usage: gpu-check.sh [--peers] [BUNDLE]   (default: the folder of this script)

--peers also measures PyTorch and ONNX Runtime, if this machine's python3 has
them (gpu-peers.py; minutes more).
END
}

peers=
case "${1:-}" in
  --peers) peers=1; shift ;;
esac
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
esac
bundle=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
[ -x "$bundle/gpu-check" ] || { echo "gpu-check.sh: $bundle is no bundle" >&2; exit 2; }

# Artifacts of benchmarks come packed.
for packed in "$bundle"/so/*.gz; do
  [ ! -e "$packed" ] || gzip -dkf "$packed" || exit 2
done

# Eight minutes are enough for everything; a hang is a failure.
export INGOT_CACHE_DIR=${INGOT_CACHE_DIR:-off}
timeout 480 "$bundle/gpu-check" "$bundle" "$bundle/report.txt"
status=$?
[ $status != 124 ] || echo "FAIL gpu-check took more than 480 s" >>"$bundle/report.txt"
[ -z "$peers" ] || python3 "$bundle/gpu-peers.py" | tee "$bundle/peers.txt"
grep '^FAIL' "$bundle/report.txt" | head -n 20
grep -E '^(time|copies|bench) ?' "$bundle/report.txt"
tail -n 4 "$bundle/report.txt"
exit $status
