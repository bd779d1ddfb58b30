#include <algorithm>
#include <array>
#include <limits>

#include "base/utf8.h"
#include "text/template/builtins.h"
#include "text/template/format.h"
#include "text/template/interpreter.h"

namespace bantam::jinja {
namespace {

using CallRef = const BuiltinCall&;

constexpr int64_t kMaxRange = 100'000;  // as in Jinja's sandbox

Value dict(CallRef call) {
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [name, value] : call.all.named) entries.emplace_back(Value::text(name), value);
  if (!call.all.positional.empty()) throw Fault("dict() takes names and values, as in dict(a=1)");
  return Value::mapping(std::move(entries));
}

Value make_namespace(CallRef call) { return call.interpreter.new_namespace(call.all); }

Value raise(CallRef call) {
  constexpr size_t kLongestMessage = 1000;  // bytes; what is said about the rest is its length
  std::string message = to_text(call.budget, *call.arguments[0]).bytes();
  if (message.size() > kLongestMessage) {
    const size_t end = whole_utf8_prefix(std::string_view(message).substr(0, kLongestMessage));
    message = fmt::format("{}... ({} more bytes)", message.substr(0, end), message.size() - end);
  }
  throw Fault(Fault::Kind::refusal, "{}", message);
}

// range(stop), range(start, stop), range(start, stop, step).
Value range(CallRef call) {
  const bool from_zero = !call.arguments[1];
  const int64_t start = from_zero ? 0 : call.integer(0, 0), stop = call.integer(from_zero ? 0 : 1, 0);
  const int64_t step = call.integer(2, 1);
  if (step == 0) throw Fault("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    call.budget.bytes(sizeof(Value));
    if (static_cast<int64_t>(items.size()) == kMaxRange) {
      throw Fault(Fault::Kind::limit, "a range() has more than {} values", kMaxRange);
    }
    items.push_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Value::sequence(std::move(items));
}

Value strftime_now(CallRef call) {
  // The space makes an empty result differ from one that does not fit.
  const std::string format = call.text(0).bytes() + " ";
  std::array<char, 1024> buffer;
  call.budget.bytes(buffer.size());
  const size_t size = std::strftime(buffer.data(), buffer.size(), format.c_str(), &call.interpreter.now());
  if (size == 0) throw Fault(Fault::Kind::limit, "strftime_now() writes more than {} bytes", buffer.size());
  return Value::text(std::string(buffer.data(), size - 1));
}

constexpr Builtin kFunctions[] = {
    {"dict", dict, {}, 0, true},
    {"namespace", make_namespace, {}, 0, true},
    {"raise_exception", raise, {"message"}, 1},
    {"range", range, {"start", "stop", "step"}, 1},
    {"strftime_now", strftime_now, {"format"}, 1},
};

}  // namespace

const Builtin* find_function(std::string_view name) {
  const auto found = std::ranges::find(kFunctions, name, &Builtin::name);
  return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace bantam::jinja
