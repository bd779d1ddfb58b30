#include "server/tool_calls.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "text/call_marks.h"

namespace bantam {
namespace {

// How much of the end of `text` may be the beginning of the mark.
size_t partial_mark(std::string_view text, std::string_view mark) {
  for (size_t n = std::min(text.size(), mark.size() - 1); n > 0; --n) {
    if (text.ends_with(mark.substr(0, n))) return n;
  }
  return 0;
}

// The mark that ends a call; inside a string of its JSON it is none.
size_t find_end(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      quoted = !quoted;
    } else if (quoted) {
      i += text[i] == '\\' ? 1 : 0;
    } else if (text.substr(i).starts_with(kCallEnd)) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::optional<ToolCall> call_of(const Json& json) {
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) return std::nullopt;
  const auto arguments = json.find("arguments");
  if (arguments == json.end()) return ToolCall{json["name"].get<std::string>(), "{}"};
  if (!arguments->is_object()) return std::nullopt;
  return ToolCall{json["name"].get<std::string>(), to_line(*arguments)};
}

std::optional<Json> parsed(std::string_view text) {
  try {
    return parse_json(text, "a tool call");
  } catch (const FormatError&) {
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string call_as_text(std::string_view name, std::string_view arguments) {
  const auto object = parsed(arguments);
  const Json call = {{"name", name}, {"arguments", object ? *object : Json(arguments)}};
  return fmt::format("\n{}\n{}\n{}", kCallBegin, to_line(call), kCallEnd);
}

std::string ToolCallReader::add(std::string_view text) {
  held_ += text;
  if (whole_ || (inside_ && text.find(kCallEnd.back()) == std::string_view::npos)) return {};
  std::string shown;
  for (;;) {
    const std::string_view mark = inside_ ? kCallEnd : kCallBegin;
    const size_t found = inside_ ? find_end(held_) : held_.find(mark);
    if (found == std::string::npos) break;
    if (!inside_) {
      shown += held_.substr(0, found);
    } else if (!take_calls(std::string_view(held_).substr(0, found))) {
      shown.append(kCallBegin).append(held_, 0, found + mark.size());
    }
    held_.erase(0, found + mark.size());
    inside_ = !inside_;
  }
  if (!inside_) {
    const size_t keep = partial_mark(held_, kCallBegin);
    shown += held_.substr(0, held_.size() - keep);
    held_.erase(0, held_.size() - keep);
  }
  return shown;
}

std::string ToolCallReader::finish() {
  std::string rest = std::exchange(held_, {});
  if (inside_ && take_calls(rest)) return {};
  return inside_ && !whole_ ? std::string(kCallBegin) + rest : rest;
}

std::string ToolCallReader::read(std::string_view text) {
  std::string shown = add(text);
  return shown += finish();
}

bool ToolCallReader::take_calls(std::string_view text) {
  const auto json = parsed(text);
  if (!json) return false;
  std::vector<ToolCall> found;
  for (const Json& item : json->is_array() ? *json : Json::array({*json})) {
    auto call = call_of(item);
    if (!call) return false;
    found.push_back(std::move(*call));
  }
  calls_.insert(calls_.end(), found.begin(), found.end());
  return !found.empty();
}

}  // namespace bantam
