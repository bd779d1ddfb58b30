#include "server/fields.h"

#include <algorithm>
#include <cmath>

namespace bantam {

std::string describe(const Json& value) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    return text.size() <= 40 ? fmt::format("'{}'", text) : fmt::format("a string of {} bytes", text.size());
  }
  if (value.is_array()) return fmt::format("a list of {} items", value.size());
  if (value.is_object()) return "an object";
  return to_line(value);
}

Json parse_body(const IncomingRequest& request) {
  try {
    Json body = parse_json(request.body, "the request's body");
    if (!body.is_object())
      throw ApiError(400, "invalid_json", "", fmt::format("the body is {}, expected an object", describe(body)));
    return body;
  } catch (const FormatError& error) {
    throw ApiError(400, "invalid_json", "", error.what());
  } catch (const Json::exception& error) {  // a number like 1e999
    throw ApiError(400, "invalid_json", "", fmt::format("the request's body: {}", error.what()));
  }
}

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object()) throw bad_field(where_, "is {}, expected an object", describe(object));
}

std::string Fields::path(std::string_view name) const {
  return where_.empty() ? std::string(name) : fmt::format("{}.{}", where_, name);
}

const Json* Fields::find(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::missing(std::string_view name) const {
  throw ApiError(400, "missing_required_parameter", path(name), fmt::format("{}: is missing", path(name)));
}

void Fields::wrong(std::string_view name, std::string_view wanted) const {
  throw ApiError(400, "invalid_type", path(name),
                 fmt::format("{}: is {}, expected {}", path(name), describe(*find(name)), wanted));
}

std::optional<std::string> Fields::text(std::string_view name) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) wrong(name, "a string");
  return value->get<std::string>();
}

std::optional<bool> Fields::boolean(std::string_view name) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) wrong(name, "true or false");
  return value->get<bool>();
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t least, int64_t most) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  const std::string wanted = fmt::format("an integer from {} to {}", least, most);
  if (!value->is_number()) wrong(name, wanted);
  if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) wrong(name, wanted);
  if (value->is_number_float()) {
    const double number = value->get<double>();
    if (std::floor(number) != number || std::abs(number) > 9e15) wrong(name, wanted);
  }
  const auto number = value->get<int64_t>();
  if (number < least || number > most) throw bad_field(path(name), "is {}, expected {}", number, wanted);
  return number;
}

std::optional<double> Fields::number(std::string_view name, double least, double most) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number()) wrong(name, fmt::format("a number from {} to {}", least, most));
  const auto number = value->get<double>();
  if (!(number >= least && number <= most)) {
    throw bad_field(path(name), "is {}, expected a number from {} to {}", number, least, most);
  }
  return number;
}

const Json* Fields::list(std::string_view name, size_t most) const {
  const Json* value = find(name);
  if (!value) return nullptr;
  if (!value->is_array()) wrong(name, "a list");
  if (value->size() > most) throw bad_field(path(name), "has {} items, expected at most {}", value->size(), most);
  return value;
}

const Json* Fields::object(std::string_view name) const {
  const Json* value = find(name);
  if (value && !value->is_object()) wrong(name, "an object");
  return value;
}

std::string Fields::required_text(std::string_view name) const {
  auto value = text(name);
  if (!value) missing(name);
  return std::move(*value);
}

std::optional<size_t> Fields::word(std::string_view name, std::initializer_list<std::string_view> words) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *value);
  if (found == words.end()) {
    throw bad_field(path(name), "is {}, expected one of: {}", describe(*find(name)), fmt::join(words, ", "));
  }
  return static_cast<size_t>(found - words.begin());
}

}  // namespace bantam
