// The filters, tests, methods and functions that templates can call, as tables of plain functions.
#pragma once

#include <array>
#include <string_view>

#include "text/template/object.h"
#include "text/template/value.h"

namespace bantam::jinja {

struct BuiltinCall {
  Interpreter& interpreter;
  Budget& budget;
  const Value& self;  // what the filter, test or method is applied to; undefined for functions
  const Arguments& all;
  std::array<const Value*, 4> arguments;  // one for each parameter; null where the call leaves it out

  bool has(size_t parameter) const { return arguments[parameter] && !arguments[parameter]->is_none(); }
  bool flag(size_t parameter, bool fallback = false) const {
    return arguments[parameter] ? arguments[parameter]->truthy() : fallback;
  }
  // Throw Fault for a value of another type.
  int64_t integer(size_t parameter, int64_t fallback) const;
  const Text& text(size_t parameter) const;
};

struct Builtin {
  std::string_view name;
  Value (*run)(const BuiltinCall&);
  std::array<std::string_view, 4> parameters{};
  int required = 0;       // parameters without a default
  bool variadic = false;  // takes any arguments, in `all`
};

// Null when there is none of that name.
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
const Builtin* find_function(std::string_view name);
const Builtin* find_method(const Value& self, std::string_view name);

// Throws Fault as Python does when arguments are missing, too many or unknown.
Value call_builtin(Interpreter& interpreter, const Builtin& builtin, const Value& self, const Arguments& arguments);

// The table entry as a value: `self` is undefined for functions.
Value bound(const Builtin& builtin, Value self);

// object.name and object[key]: undefined when there is none.
Value attribute_of(const Value& object, std::string_view name);
Value item_of(Budget& budget, const Value& object, const Value& key);

}  // namespace bantam::jinja
