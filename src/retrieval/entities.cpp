#include "retrieval/entities.h"

#include <algorithm>
#include <charconv>

#include "base/utf8.h"

namespace bantam {
namespace {

struct Named {
  std::string_view name, text;
};

constexpr Named kNamed[] = {
    {"amp", "&"},        {"lt", "<"},         {"gt", ">"},          {"quot", "\""},       {"apos", "'"},
    {"nbsp", " "},       {"ndash", "\u2013"}, {"mdash", "\u2014"},  {"lsquo", "\u2018"},  {"rsquo", "\u2019"},
    {"ldquo", "\u201C"}, {"rdquo", "\u201D"}, {"hellip", "\u2026"}, {"copy", "\u00A9"},   {"reg", "\u00AE"},
    {"trade", "\u2122"}, {"times", "\u00D7"}, {"middot", "\u00B7"}, {"deg", "\u00B0"},    {"rarr", "\u2192"},
    {"larr", "\u2190"},  {"le", "\u2264"},    {"ge", "\u2265"},     {"plusmn", "\u00B1"}, {"frac12", "\u00BD"},
};

constexpr size_t kLongest = 12;

}  // namespace

Entity entity_at(std::string_view text) {
  const size_t end = text.substr(0, kLongest).find(';');
  if (!text.starts_with('&') || end == std::string_view::npos) return {};
  std::string_view name = text.substr(1, end - 1);
  if (!name.starts_with('#')) {
    const auto* known = std::ranges::find(kNamed, name, &Named::name);
    return known == std::end(kNamed) ? Entity{} : Entity{end + 1, std::string(known->text)};
  }
  name.remove_prefix(1);
  const int base = name.starts_with('x') || name.starts_with('X') ? 16 : 10;
  if (base == 16) name.remove_prefix(1);
  uint32_t value = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), value, base);
  const bool scalar = value > 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
  if (error != std::errc() || stop != name.data() + name.size() || !scalar) return {};
  Entity entity{end + 1, ""};
  append_utf8(entity.text, value);
  return entity;
}

}  // namespace bantam
