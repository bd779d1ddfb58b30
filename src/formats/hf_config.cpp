#include "formats/hf_config.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "formats/hf_folder.h"
#include "formats/hf_json.h"

namespace bantam {
namespace {

template <class T>
MetaValue list_of(const SortedJson& array) {
  return array.get<std::vector<T>>();
}

// Nothing when Metadata has no kind for it.
std::optional<MetaValue> plain_value(const SortedJson& value) {
  const auto all = [&](auto is) { return std::all_of(value.begin(), value.end(), is); };
  using V = const SortedJson&;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return value.get<uint64_t>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array() || value.empty()) return std::nullopt;
  if (all([](V v) { return v.is_boolean(); })) return list_of<bool>(value);
  if (all([](V v) { return v.is_string(); })) return list_of<std::string>(value);
  if (all([](V v) { return v.is_number_integer() && !(v.is_number_unsigned() && v.get<uint64_t>() > INT64_MAX); })) {
    return list_of<int64_t>(value);
  }
  if (all([](V v) { return v.is_number(); })) return list_of<double>(value);
  return std::nullopt;
}

void flatten(const SortedJson& object, const std::string& prefix, Metadata& metadata) {
  for (const auto& [name, value] : object.items()) {
    const std::string key = prefix + name;
    if (value.is_object()) {
      flatten(value, key + ".", metadata);
    } else if (auto plain = plain_value(value)) {
      if (metadata.has(key)) {
        throw FormatError("{}: '{}' occurs twice, once with a dot in its name", metadata.source(), key);
      }
      metadata.set(key, std::move(*plain));
    }
  }
}

}  // namespace

void read_hf_config(std::string_view text, const std::string& source, Metadata& metadata) {
  flatten(parse_hf_json(text, source), std::string(kHfPrefix), metadata);
}

std::string hf_config_text(const Metadata& metadata) {
  SortedJson config = SortedJson::object();
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with(kHfPrefix)) continue;
    const auto conflict = [&source = metadata.source(), &name = key] {
      return FormatError("{}: '{}' cannot be both a value and an object in config.json", source, name);
    };
    SortedJson* at = &config;
    std::string_view rest = std::string_view(key).substr(kHfPrefix.size());
    for (size_t dot; (dot = rest.find('.')) != std::string_view::npos; rest.remove_prefix(dot + 1)) {
      at = &(*at)[std::string(rest.substr(0, dot))];
      if (!at->is_null() && !at->is_object()) throw conflict();
    }
    SortedJson& slot = (*at)[std::string(rest)];
    if (!slot.is_null()) throw conflict();
    std::visit([&](const auto& v) { slot = v; }, value);
  }
  return to_hf_text(config);
}

}  // namespace bantam
