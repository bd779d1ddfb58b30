// The pre-tokenizers of byte-level BPE that tokenizer.json and GGUF both can name. For the .cpp files of this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "formats/hf_json.h"

namespace bantam {

// The value of `tokenizer.ggml.pre` for the "pre_tokenizer" of a tokenizer.json; nothing when it is none of ours.
std::optional<std::string_view> ggml_pre_of(const SortedJson& pre_tokenizer);

// The other way; nothing when the name is not one of ours.
std::optional<SortedJson> hf_pre_tokenizer(std::string_view ggml_pre);

// "gpt-2, llama-bpe, ..." for error messages.
std::string known_hf_pre_tokenizers();

}  // namespace bantam
