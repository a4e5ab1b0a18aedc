#!/bin/sh
# Every C and C++ file is as clang-format leaves it. usage: format.sh ROOT
set -eu
cd "$1"
command -v clang-format >/dev/null || { echo "clang-format is missing"; exit 1; }
find include pkey sandbox src tests bench docs/examples \
	\( -name '*.[ch]' -o -name '*.cpp' \) -print0 |
	xargs -0 clang-format --dry-run -Werror
