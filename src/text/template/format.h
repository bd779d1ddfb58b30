// Values as text: str(), repr(), JSON as transformers writes it, and both of Python's formatting languages.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "text/template/budget.h"
#include "text/template/object.h"
#include "text/template/value.h"

namespace bantam::jinja {

// str(): what {{ }} prints. Undefined values are empty.
Text to_text(Budget& budget, const Value& value);
void append_text(Budget& budget, Text& out, const Value& value);
// repr(): strings in quotes.
Text to_repr(Budget& budget, const Value& value);
std::string float_text(double value);

struct JsonOptions {
  std::optional<std::string> indent;  // of one level; none: one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool ensure_ascii = false;
  bool sort_keys = false;
};

// json.dumps(). Throws Fault for values that JSON cannot say.
Text to_json(Budget& budget, const Value& value, const JsonOptions& options);

// "%s is %d" % values: %s %r %d %i %u %x %X %o %c %f %F %e %E %g %G %%, with flags, width and precision.
Text format_percent(Budget& budget, const Text& format, std::span<const Value> values);
// "{} {0} {name!r:>8}".format(...): fields are positions or names, without attributes or items.
Text format_braces(Budget& budget, const Text& format, const Arguments& arguments);

}  // namespace bantam::jinja
