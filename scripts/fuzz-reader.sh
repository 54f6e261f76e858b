#!/usr/bin/env bash
# Fuzzes the reader of model files with libFuzzer under ASan and UBSan.
# Prints the file that broke it, if any, and exits with its status.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'END'
usage: scripts/fuzz-reader.sh [SECONDS] [CORPUS [libFuzzer option ...]]

  SECONDS  how long to look for bad inputs (default 60)
  CORPUS   folder of inputs to start from and to keep new ones in
           (default build/fuzz-reader/corpus); any .onnx file will do
END
}

case "${1:-}" in -h | --help) usage; exit 0 ;; esac
seconds=${1:-60}
build=$root/build/fuzz-reader
corpus=${2:-$build/corpus}
shift $(($# < 2 ? $# : 2))
mkdir -p "$build" "$corpus"

sources=(test/bad-inputs/ReaderFuzzer.cpp lib/Import/Wire.cpp
  lib/Import/WireNumbers.cpp lib/Import/WireTypes.cpp lib/Diagnostics/Codes.cpp)
newest=$(cd "$root" && ls -t "${sources[@]}" lib/Import/*.h lib/Diagnostics/Codes.* | head -n 1)
if [ ! -x "$build/fuzz-reader" ] || [ "$root/$newest" -nt "$build/fuzz-reader" ]; then
  (cd "$root" && clang++-22 -std=c++17 -O1 -g -fexceptions -I. \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    "${sources[@]}" -fuse-ld=lld -o "$build/fuzz-reader")
fi

cd "$build"
exec ./fuzz-reader -max_total_time="$seconds" -max_len=65536 -timeout=10 \
  -rss_limit_mb=2048 -artifact_prefix="$build/" "$@" "$corpus"
