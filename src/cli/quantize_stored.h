// What `bantam pull --quantize` does with a model once it has been fetched.
#pragma once

#include <string>

#include "shrink/mix.h"
#include "store/store.h"

namespace bantam {

// Throws UsageError that lists the mixes there are.
const Mix& mix_for_flag(const std::string& flag, const std::string& name);

// Publishes, as `name`, the stored model with its matrices in the formats of `mix`; a Hugging Face folder becomes a
// GGUF file first. Shows progress; Ctrl-C stops. Throws as quantize(), Model::from_file() and StoreEdit do.
Manifest quantize_stored(StoreEdit& edit, const Manifest& model, const std::string& name, const Mix& mix);

}  // namespace bantam
