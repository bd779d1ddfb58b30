// Reads the fields of a request's JSON: a type, a range, or an ApiError that names the field. Include it from .cpp
// files only. Absent and null are the same; fields nobody asks for are passed over, as clients send many.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/api_error.h"

namespace bantam {

// The body as an object. Throws ApiError: 400 for what is not JSON, has numbers out of range or nests too deep.
Json parse_body(const IncomingRequest& request);

// "a string of 12 bytes", "the number 3": what was found, shortened.
std::string describe(const Json& value);

class Fields {
 public:
  // `object` must outlive it and be an object; `where` ("messages[0]") goes before the names in errors.
  explicit Fields(const Json& object, std::string where = "");

  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Null when absent.
  const Json* find(std::string_view name) const;
  std::string path(std::string_view name) const;

  std::optional<std::string> text(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  // Within [least, most]. A number with a fraction is no integer; 3.0 is 3.
  std::optional<int64_t> integer(std::string_view name, int64_t least, int64_t most) const;
  std::optional<double> number(std::string_view name, double least, double most) const;
  // At most `most` items.
  const Json* list(std::string_view name, size_t most) const;
  const Json* object(std::string_view name) const;

  std::string required_text(std::string_view name) const;
  // The place of the word in `words`.
  std::optional<size_t> word(std::string_view name, std::initializer_list<std::string_view> words) const;

  [[noreturn]] void missing(std::string_view name) const;
  [[noreturn]] void wrong(std::string_view name, std::string_view wanted) const;

 private:
  const Json& object_;
  std::string where_;
};

}  // namespace bantam
