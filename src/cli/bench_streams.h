// Many texts at once, for `bantam bench --streams`.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace bantam {

// Tokens per second of `streams` texts together, from when the last of them has begun (where the first ends sooner:
// from when they were asked for) until the first has ended. Each continues a prompt of `prompt` random tokens, which
// has run before, by `tokens`, greedily. Throws Interrupted, UsageError when their contexts do not fit into the memory
// that is free, and as Engine does.
double streams_rate(const std::shared_ptr<const Model>& model, int threads, DType cache_format, int streams, int prompt,
                    int tokens);

}  // namespace bantam
