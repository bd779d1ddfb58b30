// Cuts text into the words that byte-level BPE merges within. Published as regular expressions; here each is a scanner
// that looks at every character a bounded number of times. Used by Tokenizer and by vocabulary training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

enum class PreTokenizer : uint8_t { gpt2, llama3, qwen2, starcoder, deepseek_llm };

// By the value of `tokenizer.ggml.pre`.
std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name);
// The names above, for errors: "gpt-2, llama-bpe, ...".
std::string pre_tokenizer_names();

// Consecutive words that together are `text`. Bytes that are not valid UTF-8 count as symbols, one each.
std::vector<std::string_view> split_words(PreTokenizer kind, std::string_view text);

}  // namespace bantam
