#!/usr/bin/env bash
# Measures the accuracy of Ingot's math functions: f32 functions of one argument
# on all 2^32 values, the others and f64 on samples. Prints a table and, with
# --write, puts it into docs/math-accuracy.md. Fails if a function is less
# accurate than it must be. About a minute of one core per function.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<'END'
usage: scripts/check-math.sh [--write] [--sampled] [--build-dir DIR]
                             [--cpu CPU] [--jobs N] [function ...]

  --sampled        2^24 values of each function instead of all; a minute in all
  --write          replace the table of docs/math-accuracy.md
  --build-dir DIR  where ingot-math-check is; default build
  --cpu CPU        the CPU to compile for; default this one
  --jobs N         threads; default all processors
END
}

write=0 sampled=0 build=build jobs=$(nproc) options=() functions=()
while [ $# -gt 0 ]; do
  case "$1" in
    --write) write=1 ;;
    --sampled) sampled=1 ;;
    --build-dir) build=${2:?--build-dir needs a folder}; shift ;;
    --cpu) options+=("--cpu=${2:?--cpu needs a name}"); shift ;;
    --jobs) jobs=${2:?--jobs needs a number}; shift ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "check-math.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
    *) functions+=("$1") ;;
  esac
  shift
done
cd "$root"
tool=$build/bin/ingot-math-check
[ -x "$tool" ] || { echo "check-math.sh: no $tool; build it first" >&2; exit 2; }
rows=$(mktemp -d)
trap 'rm -rf "$rows"' EXIT

status=0
measure() { # file, options: rows "| name | max | at |" of the functions
  local file=$1
  shift
  "$tool" --markdown "${options[@]}" "$@" "${functions[@]}" >"$rows/$file" ||
    status=$?
  [ $status -le 1 ] || exit $status
}
if [ $sampled = 1 ]; then
  measure exhaustive --log-samples=24 --arity=1
else
  measure exhaustive --exhaustive --jobs="$jobs"
fi
measure sampled --log-samples=24 --arity=2
measure f64 --f64 --width=8 --log-samples=22

{
  echo "| function | f32 max ulp | at | f64 max ulp | at |"
  echo "|---|---|---|---|---|"
  # Joined by the name of the function.
  awk -F' *[|] *' '
    FILENAME == ARGV[1] { max[$2] = $3; at[$2] = $4; next }
    { print "| " $2 " | " $3 " | " $4 " | " max[$2] " | " at[$2] " |" }
  ' "$rows/f64" "$rows/exhaustive" "$rows/sampled"
} >"$rows/table"
cat "$rows/table"

if [ $write = 1 ]; then
  document=docs/math-accuracy.md
  awk -v table="$rows/table" '
    /^<!-- table -->$/ {
      print
      while ((getline line < table) > 0) print line
      old = 1
      next
    }
    old && /^[|]/ { next }
    { old = 0; print }
  ' "$document" >"$rows/document"
  cp "$rows/document" "$document"
fi
exit $status
