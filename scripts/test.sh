#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: lint, GoogleTest
# (ctest), lit and pytest. The last line is "N passed, N failed, N skipped".
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 2

usage() {
  cat <<'END'
usage: scripts/test.sh [--quick] [--no-setup] [--build-dir DIR]

  --quick          leave out whole models and all but every 20th conformance
                   case; about 3 minutes once built
  --no-setup       do not install packages
  --build-dir DIR  build there instead of build/

INGOT_MODELS_DIR  folder of real models (NAME/model.onnx) for test/models;
                  default ../shared/models if there; tests skip without it
INGOT_ZOO_DIR     folder of exported architectures, the same; default ../zoo
END
}

quick=0 setup=1 build=build
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=1 ;;
    --no-setup) setup=0 ;;
    --build-dir) build=${2:?--build-dir needs a folder}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "test.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

fail() { echo "test.sh: $*" >&2; exit 2; }

[ $setup = 0 ] || ./scripts/setup.sh || exit 2

: "${INGOT_MODELS_DIR:=$root/../shared/models}" "${INGOT_ZOO_DIR:=$root/../zoo}"
export INGOT_MODELS_DIR INGOT_ZOO_DIR
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}

echo "== build"
SECONDS=0
cmake --preset release -B "$build" </dev/null >/tmp/ingot-configure.$$ 2>&1 \
  || { cat /tmp/ingot-configure.$$; rm -f /tmp/ingot-configure.$$; fail "cmake failed"; }
rm -f /tmp/ingot-configure.$$
ninja -C "$build" </dev/null | tail -n 20
[ "${PIPESTATUS[0]}" -eq 0 ] || fail "the build failed"
echo "built in $SECONDS s"

echo "== Python packages of the tests"
scripts/venv.sh || fail "cannot make .venv"

results=$(cd "$build" && pwd)/results
rm -rf "$results" && mkdir -p "$results"
export INGOT_BUILD_DIR=${results%/results}

# run NAME COMMAND...: runs one runner, keeps its output and status.
run() {
  local name=$1
  shift
  echo "== $name"
  "$@" </dev/null 2>&1 | tee "$results/$name.log"
  echo "${PIPESTATUS[0]}" >"$results/$name.status"
}

pytest_options=()
[ $quick = 0 ] || pytest_options+=(--quick)

run lint scripts/lint --build-dir "$build"
run ctest ctest --test-dir "$build" --output-on-failure --timeout 600 \
  -j "$(nproc)" --output-junit "$results/ctest.xml"
run lit timeout 900 /usr/lib/llvm-22/bin/lit -s -v \
  --param "build=$INGOT_BUILD_DIR" --xunit-xml-output "$results/lit.xml" test
run pytest .venv/bin/python -m pytest -q test "${pytest_options[@]}" \
  --junitxml "$results/pytest.xml"

echo
echo "== closing lines"
exec python3 scripts/summarize.py "$results"
