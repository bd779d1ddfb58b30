// 64-bit ARM under Linux: NEON is always there, the dot product instructions are asked for.
#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "kernels/tables.h"

namespace bantam {

std::span<const VectorTable> vector_tables() {
  static const VectorTable tables[] = {
      {complete<neon_table>(), true},
      {complete<neon_dot_table>(), (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0},
  };
  return tables;
}

}  // namespace bantam
