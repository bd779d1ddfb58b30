#include "server/page/query.h"

#include <charconv>

#include "server/api_error.h"

namespace bantam {

std::optional<uint64_t> query_number(const IncomingRequest& request, std::string_view name, uint64_t least,
                                     uint64_t most) {
  const auto text = query_value(request.query, name);
  if (!text) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number < least || number > most)
    throw bad_field(name, "is '{}', expected a number from {} to {}", text->substr(0, 40), least, most);
  return number;
}

}  // namespace bantam
