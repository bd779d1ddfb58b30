// BitNet b1.58 as llama.cpp runs it: a norm before the last matrix of each block. That weights are ternary is a matter
// of their format. (arXiv 2402.17764)
#include "model/families/family.h"

namespace bantam {

const Family kBitnet = {.name = "bitnet", .begin = [](ModelConfig& c) { c.sub_norms = true; }};

}  // namespace bantam
