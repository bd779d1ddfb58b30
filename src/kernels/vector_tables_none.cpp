// For CPUs without vector kernels, and for the double-precision test build.
#include "kernels/tables.h"

namespace bantam {

std::span<const VectorTable> vector_tables() { return {}; }

}  // namespace bantam
