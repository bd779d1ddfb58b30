// Cuts text into the words that byte-level BPE merges within. Published as regular expressions; here each is a scanner
// that looks at every character a bounded number of times. Used by Tokenizer and by vocabulary training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

enum class PreTokenizer : uint8_t {
  fallback,  // what llama.cpp does with vocabularies that do not say how they cut
  gpt2,
  starcoder,
  falcon,
  bloom,
  viking,
  llama3,
  qwen2,
  qwen35,
  seed_coder,
  ufakzeka,
  minicpm5,
  laguna,
  tekken,
  gpt4o,
  kimi_k2,
  deepseek_llm,
  deepseek_coder,
  deepseek_v3,
};

// What the value of `tokenizer.ggml.pre` says.
struct NamedPreTokenizer {
  std::string_view name;
  PreTokenizer kind;
  bool whole_words_first = false;  // a word that is a token is not merged from bytes ("ignore_merges")
  bool adds_bos = false;           // unless the file says otherwise
};

// Nothing for a name that is not known.
std::optional<NamedPreTokenizer> find_pre_tokenizer(std::string_view name);

// Consecutive words that together are `text`. Bytes that are not valid UTF-8 count as symbols, one each.
std::vector<std::string_view> split_words(PreTokenizer kind, std::string_view text);

}  // namespace bantam
