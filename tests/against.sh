#!/usr/bin/env bash
# Builds Weir against other CAF and RESTinio releases than Debian 12's and runs its tests:
#   tests/against.sh PREFIX...     each PREFIX is where one of them is installed
#   tests/against.sh               what this machine has, on another Debian say
set -euo pipefail
cd "$(dirname "$0")/.."

build=${WEIR_AGAINST_BUILD:-build-against}
prefixes=$(IFS=';'; echo "$*")
for prefix in "$@"; do
  [ -d "$prefix" ] || { echo "against.sh: there is no folder '$prefix'" >&2; exit 2; }
done

cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH="$prefixes"
cmake --build "$build"
# What the house rules say of the sources does not depend on libraries.
ctest --test-dir "$build" --output-on-failure -E '^tidy$'
