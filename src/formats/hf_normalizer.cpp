#include "formats/hf_normalizer.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace bantam {
namespace {

constexpr int kDeepest = 8;  // sequences in each other

// Nothing unless it is base64 with its padding.                                                     RFC 4648, sec. 4
std::optional<std::vector<int64_t>> bytes_of_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::vector<int64_t> bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = i + padding < text.size() ? kDigits.find(text[i]) : 0;
    if (digit == kDigits.npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) bytes.push_back(bits >> shift & 0xFF);
    bits = 0;
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

class Reader {
 public:
  explicit Reader(const std::string& source) : source_(source) {}

  void read(const SortedJson& step, int depth = 0) {
    const std::string& type = text(step, "type");
    if (type == "Sequence") return read_sequence(step, depth);
    if (type == "Replace") return read_replace(step);
    if (type == "Strip") return read_strip(step);
    if (type == "Precompiled") return read_precompiled(step);
    if (type == "Prepend") {
      found_.steps.push_back({"prepend", {text(step, "prepend")}});
    } else if (const std::string_view plain = plain_step(type); !plain.empty()) {
      found_.steps.push_back({std::string(plain), {}});
    } else {
      throw UnsupportedError(
          "{}: 'normalizer' is '{}', this build knows NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, "
          "Replace, Precompiled and sequences of them",
          source_, type);
    }
  }

  HfNormalizer take() { return std::move(found_); }

 private:
  static std::string_view plain_step(std::string_view type) {
    static constexpr std::pair<std::string_view, std::string_view> kPlain[] = {{"NFC", "nfc"},
                                                                               {"NFD", "nfd"},
                                                                               {"NFKC", "nfkc"},
                                                                               {"NFKD", "nfkd"},
                                                                               {"Lowercase", "lowercase"},
                                                                               {"StripAccents", "strip_accents"}};
    const auto* found = std::ranges::find(kPlain, type, &std::pair<std::string_view, std::string_view>::first);
    return found == std::end(kPlain) ? std::string_view() : found->second;
  }

  void read_sequence(const SortedJson& step, int depth) {
    if (depth == kDeepest) throw FormatError("{}: normalizers are nested more than {} deep", source_, kDeepest);
    const SortedJson* steps = find_member(step, "normalizers");
    if (!steps || !steps->is_array()) throw FormatError("{}: a 'Sequence' has no list 'normalizers'", source_);
    for (const SortedJson& inner : *steps) read(inner, depth + 1);
  }

  void read_replace(const SortedJson& step) {
    const SortedJson* pattern = find_member(step, "pattern");
    const bool literal = pattern && pattern->is_object() && find_member(*pattern, "String");
    if (!pattern) throw FormatError("{}: a 'Replace' has no 'pattern'", source_);
    found_.steps.push_back({literal ? "replace" : "replace_pattern",
                            {text(*pattern, literal ? "String" : "Regex"), text(step, "content")}});
  }

  void read_strip(const SortedJson& step) {
    for (const char* side : {"strip_left", "strip_right"}) {
      const SortedJson* wanted = find_member(step, side);
      if (wanted && !wanted->is_boolean()) throw FormatError("{}: '{}' is no bool", source_, side);
      if (!wanted || wanted->get<bool>()) found_.steps.push_back({side, {}});
    }
  }

  void read_precompiled(const SortedJson& step) {
    if (!found_.chars_map.empty()) throw FormatError("{}: has two 'Precompiled' normalizers, expected one", source_);
    const std::string& base64 = text(step, "precompiled_charsmap");
    auto bytes = bytes_of_base64(base64);
    if (!bytes) throw FormatError("{}: the 'precompiled_charsmap' of {} bytes is not base64", source_, base64.size());
    if (bytes->empty()) return;  // changes nothing
    found_.chars_map = std::move(*bytes);
    found_.steps.push_back({"charsmap", {}});
  }

  const std::string& text(const SortedJson& object, const char* key) const {
    const SortedJson* value = object.is_object() ? find_member(object, key) : nullptr;
    if (!value || !value->is_string()) {
      throw FormatError("{}: '{}' of a normalizer is missing or no string", source_, key);
    }
    return value->get_ref<const std::string&>();
  }

  const std::string& source_;
  HfNormalizer found_;
};

}  // namespace

std::vector<std::string> HfNormalizer::words() const {
  std::vector<std::string> words;
  for (const HfNormalizerStep& step : steps) {
    words.push_back(step.name);
    words.insert(words.end(), step.texts.begin(), step.texts.end());
  }
  return words;
}

HfNormalizer read_hf_normalizer(const SortedJson* normalizer, const std::string& source) {
  Reader reader(source);
  if (normalizer) reader.read(*normalizer);
  return reader.take();
}

}  // namespace bantam
