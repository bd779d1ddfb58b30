// The "normalizer" of a tokenizer.json. For the .cpp files of this folder only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/hf_json.h"

namespace bantam {

// One step, in the words of text/normalizer.h.
struct HfNormalizerStep {
  std::string name;
  std::vector<std::string> texts;

  bool operator==(const HfNormalizerStep&) const = default;
};

struct HfNormalizer {
  std::vector<HfNormalizerStep> steps;
  std::vector<int64_t> chars_map;  // of the step "charsmap"

  // The value of `bantam.tokenizer.normalize`.
  std::vector<std::string> words() const;
};

// Of a normalizer, or none for null. Throws FormatError, UnsupportedError naming the type that is not known.
HfNormalizer read_hf_normalizer(const SortedJson* normalizer, const std::string& source);

}  // namespace bantam
