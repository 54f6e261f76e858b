#!/usr/bin/env bash
# Makes .venv with the Python packages of the tests, once per requirements.txt.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
wanted=$root/scripts/requirements.txt
if [ -x "$venv/bin/python" ] && cmp -s "$wanted" "$venv/requirements.txt"; then
  exit 0
fi
python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  --no-input --root-user-action ignore -r "$wanted" </dev/null
cp "$wanted" "$venv/requirements.txt"
