// Many texts at once, for `bantam bench --streams`.
#pragma once

#include <memory>

#include "engine/engine.h"

namespace bantam {

// Tokens per second of `streams` texts together, from when the last of them has begun until the first has ended: each
// continues a prompt of `prompt` random tokens, which has run before, by `tokens`, greedily. Throws Interrupted, and as
// Engine does.
double streams_rate(const std::shared_ptr<const Model>& model, int threads, DType cache_format, int streams, int prompt,
                    int tokens);

}  // namespace bantam
