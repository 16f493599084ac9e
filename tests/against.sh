#!/usr/bin/env bash
# Builds Weir against other CAF and RESTinio releases than Debian 12's and runs its tests:
#   tests/against.sh PREFIX...     each PREFIX is where one of them is installed
#   tests/against.sh               what this machine has, on another Debian say
#
# CAF 1.1.0 from its release:
#   cmake -S CAF -B CAF/build -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 -DCMAKE_INSTALL_PREFIX=/opt/caf-1.1 -DCAF_ENABLE_TESTING=OFF \
#     -DCAF_ENABLE_EXAMPLES=OFF -DCAF_ENABLE_TOOLS=OFF -DCAF_ENABLE_NET_MODULE=OFF -DCAF_ENABLE_OPENSSL_MODULE=OFF
#   cmake --build CAF/build --target install && tests/against.sh /opt/caf-1.1
# RESTinio 0.7 wants llhttp and expected-lite, which Debian 12 has no packages of; http/wire compiles with the headers of 0.7.9.1.
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
