// Typed key/value pairs that describe a model: what GGUF calls metadata. Formats fill it, families and tokenizers read
// it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace bantam {

// Integers of every width arrive as int64_t or, past its range, uint64_t; arrays keep one element kind.
using MetaValue = std::variant<bool, int64_t, uint64_t, double, std::string, std::vector<bool>, std::vector<int64_t>,
                               std::vector<uint64_t>, std::vector<double>, std::vector<std::string>>;

// The word used in errors: "bool", "integer", "number", "string", "array of strings", ...
std::string_view kind_of(const MetaValue& value);

class Metadata {
 public:
  // `source` names the file in errors.
  explicit Metadata(std::string source = "metadata") : source_(std::move(source)) {}

  const std::string& source() const { return source_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  const MetaValue* find(std::string_view key) const;
  void set(std::string key, MetaValue value) { values_.insert_or_assign(std::move(key), std::move(value)); }

  // Throw FormatError naming file and key when the key is missing or has another type; *_or() only on another type.
  bool flag_or(std::string_view key, bool fallback) const;
  int64_t integer(std::string_view key, int64_t low, int64_t high) const;
  int64_t integer_or(std::string_view key, int64_t fallback, int64_t low, int64_t high) const;
  double number(std::string_view key) const;
  double number_or(std::string_view key, double fallback) const;
  const std::string& string(std::string_view key) const;
  std::string string_or(std::string_view key, std::string fallback) const;
  const std::vector<std::string>& strings(std::string_view key) const;
  // Widened copies of any integer or number array; empty when the key is missing.
  std::vector<int64_t> integers_or_empty(std::string_view key) const;
  std::vector<double> numbers_or_empty(std::string_view key) const;

  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  size_t size() const { return values_.size(); }

 private:
  const MetaValue& at(std::string_view key) const;

  std::string source_;
  std::map<std::string, MetaValue, std::less<>> values_;
};

}  // namespace bantam
