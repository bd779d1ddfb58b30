#include "base/metadata.h"

#include <cmath>
#include <optional>

namespace bantam {
namespace {

std::optional<int64_t> as_integer(const MetaValue& value) {
  if (const auto* i = std::get_if<int64_t>(&value)) return *i;
  if (const auto* u = std::get_if<uint64_t>(&value); u && *u <= INT64_MAX) return static_cast<int64_t>(*u);
  return std::nullopt;
}

std::optional<double> as_number(const MetaValue& value) {
  if (const auto* d = std::get_if<double>(&value)) return *d;
  if (const auto i = as_integer(value)) return static_cast<double>(*i);
  return std::nullopt;
}

}  // namespace

std::string_view kind_of(const MetaValue& value) {
  static constexpr std::string_view kKinds[] = {
      "bool",           "integer",           "integer beyond 2^63",           "number",           "string",
      "array of bools", "array of integers", "array of integers beyond 2^63", "array of numbers", "array of strings"};
  static_assert(std::size(kKinds) == std::variant_size_v<MetaValue>);
  return kKinds[value.index()];
}

const MetaValue* Metadata::find(std::string_view key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

const MetaValue& Metadata::at(std::string_view key) const {
  const MetaValue* value = find(key);
  if (!value) throw FormatError("{}: the key '{}' is missing", source_, key);
  return *value;
}

bool Metadata::flag_or(std::string_view key, bool fallback) const {
  const MetaValue* value = find(key);
  if (!value) return fallback;
  if (const bool* flag = std::get_if<bool>(value)) return *flag;
  throw FormatError("{}: '{}' is a {}, expected a bool", source_, key, kind_of(*value));
}

int64_t Metadata::integer(std::string_view key, int64_t low, int64_t high) const {
  const MetaValue& value = at(key);
  const auto i = as_integer(value);
  if (!i) throw FormatError("{}: '{}' is a {}, expected an integer", source_, key, kind_of(value));
  if (*i < low || *i > high) {
    throw FormatError("{}: '{}' is {}, expected a value from {} to {}", source_, key, *i, low, high);
  }
  return *i;
}

int64_t Metadata::integer_or(std::string_view key, int64_t fallback, int64_t low, int64_t high) const {
  return has(key) ? integer(key, low, high) : fallback;
}

double Metadata::number(std::string_view key) const {
  const MetaValue& value = at(key);
  const auto d = as_number(value);
  if (!d) throw FormatError("{}: '{}' is a {}, expected a number", source_, key, kind_of(value));
  if (!std::isfinite(*d)) throw FormatError("{}: '{}' is not a finite number", source_, key);
  return *d;
}

double Metadata::number_or(std::string_view key, double fallback) const { return has(key) ? number(key) : fallback; }

const std::string& Metadata::string(std::string_view key) const {
  const MetaValue& value = at(key);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  throw FormatError("{}: '{}' is a {}, expected a string", source_, key, kind_of(value));
}

std::string Metadata::string_or(std::string_view key, std::string fallback) const {
  return has(key) ? string(key) : std::move(fallback);
}

const std::vector<std::string>& Metadata::strings(std::string_view key) const {
  const MetaValue& value = at(key);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) return *list;
  throw FormatError("{}: '{}' is a {}, expected an array of strings", source_, key, kind_of(value));
}

std::vector<int64_t> Metadata::integers_or_empty(std::string_view key) const {
  const MetaValue* value = find(key);
  if (!value) return {};
  if (const auto* list = std::get_if<std::vector<int64_t>>(value)) return *list;
  throw FormatError("{}: '{}' is a {}, expected an array of integers", source_, key, kind_of(*value));
}

std::vector<double> Metadata::numbers_or_empty(std::string_view key) const {
  const MetaValue* value = find(key);
  if (!value) return {};
  if (const auto* list = std::get_if<std::vector<double>>(value)) return *list;
  if (const auto* list = std::get_if<std::vector<int64_t>>(value)) return {list->begin(), list->end()};
  throw FormatError("{}: '{}' is a {}, expected an array of numbers", source_, key, kind_of(*value));
}

}  // namespace bantam
