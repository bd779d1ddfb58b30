// The pre-tokenizers of byte-level BPE that tokenizer.json and GGUF both can name. For the .cpp files of this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/hf_json.h"

namespace bantam {

// The value of `tokenizer.ggml.pre` for the "pre_tokenizer" of a tokenizer.json and its "ignore_merges", which GGUF has
// no key for: it goes with the name. Nothing when it is none of ours.
std::optional<std::string_view> ggml_pre_of(const SortedJson& pre_tokenizer, bool ignores_merges);

// Regular expressions that, one after the other, cut text as a "pre_tokenizer" does that has no name. Nothing where one
// of its steps does more than isolate what an expression finds.
std::optional<std::vector<std::string>> word_patterns_of(const SortedJson& pre_tokenizer);

// The other way; nothing when the name is not one of ours.
std::optional<SortedJson> hf_pre_tokenizer(std::string_view ggml_pre);

// Whether that name says that a word which is a token is not merged from bytes.
bool ignores_merges(std::string_view ggml_pre);

// "gpt-2, llama-bpe, ..." for error messages.
std::string known_hf_pre_tokenizers();

}  // namespace bantam
