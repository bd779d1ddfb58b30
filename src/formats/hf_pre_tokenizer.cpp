#include "formats/hf_pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

namespace bantam {
namespace {

constexpr const char* kGpt2Words = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

struct Known {
  std::string_view ggml_pre;
  bool ignores_merges;
  const char* json;
};

// As in the published tokenizer.json files of these models.
constexpr Known kKnown[] = {
    {"gpt-2", false, R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})"},
    {"llama-bpe", true,
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"smaug-bpe", false,
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"tekken", true,
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"gpt-4o", false,
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"deepseek-v3", false,
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"\\p{N}{1,3}"}},
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"[一-龥぀-ゟ゠-ヿ]+"}},
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"qwen2", false,
     R"rx({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "behavior": "Isolated", "invert": false, "pattern": {"Regex":
"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})rx"},
    {"starcoder", false,
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

std::optional<std::string_view> ggml_pre_of(const SortedJson& pre_tokenizer, bool ignores_merges) {
  const SortedJson wanted = comparable(pre_tokenizer);
  for (const Known& known : kKnown) {
    if (known.ignores_merges == ignores_merges && comparable(SortedJson::parse(known.json)) == wanted) {
      return known.ggml_pre;
    }
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> word_patterns_of(const SortedJson& pre_tokenizer) {
  const auto is = [](const SortedJson& object, const char* key, const SortedJson& value) {
    return object.is_object() && object.value(key, SortedJson()) == value;
  };
  std::vector<std::string> patterns;
  const auto add_step = [&](const SortedJson& step) {
    if (is(step, "type", "ByteLevel") && is(step, "add_prefix_space", false)) {
      if (!is(step, "use_regex", false)) patterns.emplace_back(kGpt2Words);
    } else if (is(step, "type", "Split") && is(step, "behavior", "Isolated") && is(step, "invert", false)) {
      const SortedJson pattern = step.value("pattern", SortedJson());
      if (!pattern.is_object() || !pattern.contains("Regex") || !pattern["Regex"].is_string()) return false;
      patterns.push_back(pattern["Regex"].get<std::string>());
    } else if (is(step, "type", "Digits")) {
      patterns.emplace_back(is(step, "individual_digits", true) ? R"(\p{N})" : R"(\p{N}+)");
    } else if (is(step, "type", "Punctuation") && (is(step, "behavior", "Isolated") || !step.contains("behavior"))) {
      patterns.emplace_back(R"([\p{P}\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E])");
    } else {
      return false;
    }
    return true;
  };
  const SortedJson one = SortedJson::array({pre_tokenizer});
  const SortedJson steps = is(pre_tokenizer, "type", "Sequence") ? pre_tokenizer.value("pretokenizers", one) : one;
  if (!std::ranges::all_of(steps, add_step) || patterns.empty()) return std::nullopt;
  return patterns;
}

std::optional<SortedJson> hf_pre_tokenizer(std::string_view ggml_pre) {
  for (const Known& known : kKnown) {
    if (known.ggml_pre == ggml_pre) return SortedJson::parse(known.json);
  }
  return std::nullopt;
}

bool ignores_merges(std::string_view ggml_pre) {
  const auto* known = std::ranges::find(kKnown, ggml_pre, &Known::ggml_pre);
  return known != std::end(kKnown) && known->ignores_merges;
}

std::string known_hf_pre_tokenizers() {
  std::string names;
  for (const Known& known : kKnown) names += fmt::format("{}{}", names.empty() ? "" : ", ", known.ggml_pre);
  return names;
}

}  // namespace bantam
