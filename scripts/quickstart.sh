#!/usr/bin/env bash
# From a fresh checkout to a compiled network that reads a digit: installs the
# packages, builds the tools, compiles examples/digits/digits.onnx to a shared
# library and runs it on an image.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
  "") ;;
  -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
  *) echo "quickstart: unknown option $1" >&2; exit 2 ;;
esac

./scripts/setup.sh

echo "quickstart: building the tools into build/bin"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset release </dev/null >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
ninja -C build tools/all </dev/null

mkdir -p build/examples
compile=(build/bin/ingot compile examples/digits/digits.onnx -o build/examples/digits.so)
classify=(python3 examples/digits/classify.py build/examples/digits.so)
echo "+ ${compile[*]}"
"${compile[@]}"
ls -l build/examples/digits.so
echo "+ ${classify[*]}"
"${classify[@]}"
