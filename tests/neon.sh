#!/bin/sh
# Builds the kernel tests for 64-bit ARM and runs them under emulation: tests/neon.sh BUILD_DIR [GoogleTest flags]
# Exits with 77, which CTest shows as skipped, where a tool is missing.
set -eu

build=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
googletest=/usr/src/googletest/googletest
compiler=aarch64-linux-gnu-g++

skip() {
  echo "skipped: $1"
  exit 77
}
command -v $compiler >/dev/null || skip "no aarch64 cross compiler"
command -v qemu-aarch64 >/dev/null || skip "no qemu-aarch64"
[ -e $googletest/src/gtest-all.cc ] || skip "no GoogleTest sources"
[ -e /usr/include/fmt/format.h ] || skip "no fmt headers"

mkdir -p "$build/include"
ln -sfn /usr/include/fmt "$build/include/fmt"

# compile OBJECT SOURCE [flags]
compile() {
  object=$1
  source=$2
  shift 2
  $compiler -std=c++20 -O2 -ffp-contract=off -DFMT_HEADER_ONLY -I"$root/src" -isystem "$build/include" \
    -isystem $googletest/include "$@" -c "$source" -o "$build/$object.o"
}

if [ ! -e "$build/gtest.o" ]; then
  compile gtest_main $googletest/src/gtest_main.cc -I$googletest
  compile gtest $googletest/src/gtest-all.cc -I$googletest
fi

program=$build/kernels_test
if [ ! -e "$program" ] || [ -n "$(find "$root/src/kernels" "$root/src/tensor" "$root/src/base/error.h" -newer "$program")" ]; then
  warnings="-Wall -Wextra -Wshadow -Wconversion -Werror"
  for source in scalar packed dispatch vector_tables_arm neon kernels_test packed_test attend_test; do
    compile $source "$root/src/kernels/$source.cpp" -O3 $warnings
  done
  compile neon_dot "$root/src/kernels/neon_dot.cpp" -O3 -march=armv8.2-a+dotprod $warnings
  compile dtype "$root/src/tensor/dtype.cpp" $warnings
  (cd "$build" && $compiler -static scalar.o packed.o dispatch.o vector_tables_arm.o neon.o neon_dot.o kernels_test.o packed_test.o attend_test.o \
    dtype.o gtest.o gtest_main.o -pthread -o kernels_test)
fi
exec qemu-aarch64 "$program" "$@"
