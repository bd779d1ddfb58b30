// Calls of tools in the text of a model: <tool_call>{"name": ..., "arguments": {...}}</tool_call>, the form of Hermes
// and Qwen models and of our own prompt for models whose template knows no tools.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

struct ToolCall {
  std::string name;
  std::string arguments;  // a JSON object
};

std::string call_as_text(std::string_view name, std::string_view arguments);

// Parts the text of an answer, as it comes, into what is shown and what is called.
class ToolCallReader {
 public:
  // `whole`: all of the answer is one call, or a list of them, without marks.
  explicit ToolCallReader(bool whole = false) : inside_(whole), whole_(whole) {}

  // Returns what can be shown; the beginning of a mark is held back.
  std::string add(std::string_view text);
  // What was held back and is no call after all.
  std::string finish();
  // Both for an answer that is there as a whole.
  std::string read(std::string_view text);
  const std::vector<ToolCall>& calls() const { return calls_; }

 private:
  bool take_calls(std::string_view json);

  std::string held_;
  std::vector<ToolCall> calls_;
  bool inside_, whole_;
};

}  // namespace bantam
