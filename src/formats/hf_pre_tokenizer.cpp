#include "formats/hf_pre_tokenizer.h"

#include <fmt/format.h>

namespace bantam {
namespace {

struct Known {
  std::string_view ggml_pre;
  const char* json;
};

// As in the published tokenizer.json files of these models.
constexpr Known kKnown[] = {
    {"gpt-2", R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})"},
    {"llama-bpe",
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"qwen2",
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"starcoder",
     R"({"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": true},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]})"},
};

// Without `trim_offsets`, which changes no token, and with defaults written out.
SortedJson comparable(SortedJson pre_tokenizer) {
  const auto settle = [](SortedJson& step) {
    if (!step.is_object() || step.value("type", SortedJson()) != "ByteLevel") return;
    step.erase("trim_offsets");
    if (!step.contains("use_regex")) step["use_regex"] = true;
  };
  settle(pre_tokenizer);
  if (pre_tokenizer.is_object() && pre_tokenizer.contains("pretokenizers")) {
    for (SortedJson& step : pre_tokenizer["pretokenizers"]) settle(step);
  }
  return pre_tokenizer;
}

}  // namespace

std::optional<std::string_view> ggml_pre_of(const SortedJson& pre_tokenizer) {
  const SortedJson wanted = comparable(pre_tokenizer);
  for (const Known& known : kKnown) {
    if (comparable(SortedJson::parse(known.json)) == wanted) return known.ggml_pre;
  }
  return std::nullopt;
}

std::optional<SortedJson> hf_pre_tokenizer(std::string_view ggml_pre) {
  for (const Known& known : kKnown) {
    if (known.ggml_pre == ggml_pre) return SortedJson::parse(known.json);
  }
  return std::nullopt;
}

std::string known_hf_pre_tokenizers() {
  std::string names;
  for (const Known& known : kKnown) names += fmt::format("{}{}", names.empty() ? "" : ", ", known.ggml_pre);
  return names;
}

}  // namespace bantam
