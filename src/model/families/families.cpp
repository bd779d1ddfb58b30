#include "base/error.h"
#include "model/families/family.h"

namespace bantam {
namespace {

constexpr const Family* kFamilies[] = {&kLlama, &kMistral, &kMixtral, &kQwen2,     &kQwen3,      &kPhi3,
                                       &kGemma, &kGemma2,  &kGemma3,  &kOpenElm,   &kStarCoder2, &kStableLm,
                                       &kPhi2,  &kGpt2,    &kBitnet,  &kBitnet158, &kReader};

const Family& find(std::string_view name, std::string_view Family::*field, const std::string& source) {
  std::string known;
  for (const Family* family : kFamilies) {
    if (family->*field == name && !name.empty()) return *family;
    if ((family->*field).empty()) continue;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family->*field);
  }
  throw UnsupportedError("{}: the architecture '{}' is not known; known: {}", source, name, known);
}

}  // namespace

std::span<const Family* const> all_families() { return kFamilies; }

const Family& family_by_name(std::string_view name, const std::string& source) {
  return find(name, &Family::name, source);
}

const Family& family_by_hf_architecture(std::string_view name, const std::string& source) {
  return find(name, &Family::hf_architecture, source);
}

}  // namespace bantam
