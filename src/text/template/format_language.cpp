// Python's two formatting languages, as far as templates use them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "text/template/characters.h"
#include "text/template/format.h"

namespace bantam::jinja {
namespace {

constexpr size_t kMaxWidth = 10'000;

struct Spec {
  char fill = ' ';
  char align = 0;  // one of < > ^, or 0: as the type wants
  char sign = '-';
  bool alternate = false;
  size_t width = 0;
  std::optional<size_t> precision;
  char type = 0;
};

// Reads a number at `at`, passing over it.
std::optional<size_t> read_number(std::string_view format, size_t& at) {
  std::optional<size_t> number;
  for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
    number = number.value_or(0) * 10 + static_cast<size_t>(format[at] - '0');
    if (*number > kMaxWidth) throw Fault("a width or precision in '{}' is over {}", format, kMaxWidth);
  }
  return number;
}

std::string with_sign(std::string digits, char sign) {
  if (sign != '-' && !digits.starts_with('-')) digits.insert(digits.begin(), sign);
  return digits;
}

std::string float_as(const Value& value, const Spec& spec) {
  const auto number = value.as_number();
  if (!number) throw Fault("must be real number, not {}", value.type_name());
  const char pattern[] = {'%', '.', '*', spec.type, '\0'};
  const int precision = static_cast<int>(spec.precision.value_or(6));
  std::string out(static_cast<size_t>(std::max(0, std::snprintf(nullptr, 0, pattern, precision, *number))), '\0');
  std::snprintf(out.data(), out.size() + 1, pattern, precision, *number);
  return with_sign(out, spec.sign);
}

std::string integer_as(int64_t value, const Spec& spec) {
  const uint64_t magnitude = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  switch (spec.type) {
    case 'x':
      digits = fmt::format("{}{:x}", spec.alternate ? "0x" : "", magnitude);
      break;
    case 'X':
      digits = fmt::format("{}{:X}", spec.alternate ? "0X" : "", magnitude);
      break;
    case 'o':
      digits = fmt::format("{}{:o}", spec.alternate ? "0o" : "", magnitude);
      break;
    default:
      digits = fmt::format("{}", magnitude);
  }
  if (spec.precision && digits.size() < *spec.precision) digits.insert(0, *spec.precision - digits.size(), '0');
  if (value < 0) digits.insert(digits.begin(), '-');
  return with_sign(digits, spec.sign);
}

// Fills up to the width; a fill of zeros goes between sign and digits.
void append_padded(Budget& budget, Text& out, const Text& text, const Spec& spec, char natural_align) {
  const auto count = static_cast<size_t>(count_characters(text.bytes()));
  const size_t missing = spec.width > count ? spec.width - count : 0;
  budget.bytes(text.size() + missing);
  const char align = spec.align ? spec.align : natural_align;
  const size_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  size_t sign = 0;
  if (align == '=' && !text.empty() && (text.bytes()[0] == '-' || text.bytes()[0] == '+' || text.bytes()[0] == ' '))
    sign = 1;
  out.append(text, 0, sign);
  out.append(std::string(left, spec.fill));
  out.append(text, sign);
  out.append(std::string(missing - left, spec.fill));
}

Text shortened(Text text, std::optional<size_t> characters_kept) {
  if (!characters_kept) return text;
  size_t end = 0;
  for (size_t i = 0; i < *characters_kept && end < text.size(); ++i) end += character_bytes(text.bytes(), end);
  return text.slice(0, end);
}

bool is_float_type(char type) { return std::string_view("eEfFgG").find(type) != std::string_view::npos; }

void append_percent(Budget& budget, Text& out, const Value& value, const Spec& spec, std::string_view format) {
  switch (spec.type) {
    case 's':
    case 'r':
      return append_padded(
          budget, out, shortened(spec.type == 's' ? to_text(budget, value) : to_repr(budget, value), spec.precision),
          spec, '>');
    case 'd':
    case 'i':
    case 'u': {
      const auto number = value.as_number();
      if (!number) throw Fault("%{} format: a real number is required, not {}", spec.type, value.type_name());
      if (!value.as_integer() && !(std::abs(*number) < 9.2e18))
        throw Fault("cannot convert {} to integer", float_text(*number));
      const int64_t integer = value.as_integer().value_or(value.as_integer() ? 0 : static_cast<int64_t>(*number));
      return append_padded(budget, out, Text(integer_as(integer, spec)), spec, '>');
    }
    case 'x':
    case 'X':
    case 'o':
      if (!value.as_integer()) throw Fault("%{} format: an integer is required, not {}", spec.type, value.type_name());
      return append_padded(budget, out, Text(integer_as(*value.as_integer(), spec)), spec, '>');
    default:
      if (!is_float_type(spec.type))
        throw Fault("'{}' has a format that chat templates do not use: %{}", format, spec.type);
      return append_padded(budget, out, Text(float_as(value, spec)), spec, '>');
  }
}

// [[fill]align][sign][#][0][width][.precision][type]
Spec parse_spec(std::string_view text) {
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  Spec spec;
  size_t at = 0;
  if (text.size() > 1 && is_align(text[1])) {
    spec.fill = text[0];
    spec.align = text[1];
    at = 2;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    at = 1;
  }
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' ')) spec.sign = text[at++];
  if (at < text.size() && text[at] == '#') spec.alternate = text[at++] == '#';
  if (at < text.size() && text[at] == '0') {
    if (!spec.align) spec.align = '=', spec.fill = '0';
    ++at;
  }
  spec.width = read_number(text, at).value_or(0);
  if (at < text.size() && text[at] == '.') {
    ++at;
    spec.precision = read_number(text, at);
    if (!spec.precision) throw Fault("Format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) throw Fault("Invalid format specifier '{}'", text);
  return spec;
}

void append_field(Budget& budget, Text& out, const Value& value, std::string_view spec_text) {
  if (spec_text.empty()) return append_text(budget, out, value);
  Spec spec = parse_spec(spec_text);
  if (const Text* text = value.as_text()) {
    if (spec.align == '=' && spec.fill == '0') spec.align = '<';
    if (spec.align == '=' || spec.sign != '-') throw Fault("'=' alignment and signs are not allowed for strings");
    if (spec.type && spec.type != 's') throw Fault("Unknown format code '{}' for object of type 'str'", spec.type);
    budget.bytes(text->size());
    return append_padded(budget, out, shortened(*text, spec.precision), spec, '<');
  }
  if (value.is_float() && spec.type == 0 && !spec.precision) {
    return append_padded(budget, out, Text(with_sign(float_text(*value.as_number()), spec.sign)), spec, '>');
  }
  const bool as_float = is_float_type(spec.type);
  if (value.is_integer() || (value.is_bool() && spec.type)) {
    if (!as_float && spec.precision) throw Fault("Precision not allowed in integer format specifier");
    if (spec.type == 0 || spec.type == 'd' || spec.type == 'x' || spec.type == 'X' || spec.type == 'o') {
      return append_padded(budget, out, Text(integer_as(*value.as_integer(), spec)), spec, '>');
    }
  }
  if (!as_float || !value.as_number()) {
    throw Fault("the format '{}' of a {} is not one that chat templates use", spec_text, value.type_name());
  }
  append_padded(budget, out, Text(float_as(value, spec)), spec, '>');
}

}  // namespace

Text format_percent(Budget& budget, const Text& format, std::span<const Value> values) {
  const std::string_view text = format.bytes();
  budget.bytes(text.size());
  Text out;
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t percent = std::min(text.find('%', at), text.size());
    out.append(format, at, percent - at);
    at = percent + 1;
    if (percent == text.size()) break;
    budget.step();
    Spec spec;
    for (; at < text.size() && std::string_view("-+ #0").find(text[at]) != std::string_view::npos; ++at) {
      if (text[at] == '-') spec.align = '<', spec.fill = ' ';
      if (text[at] == '0' && spec.align != '<') spec.align = '=', spec.fill = '0';
      if (text[at] == '+' || (text[at] == ' ' && spec.sign != '+')) spec.sign = text[at];
      if (text[at] == '#') spec.alternate = true;
    }
    spec.width = read_number(text, at).value_or(0);
    if (at < text.size() && text[at] == '.') {
      ++at;
      spec.precision = read_number(text, at).value_or(0);
    }
    if (at >= text.size()) throw Fault("incomplete format");
    spec.type = text[at++];
    if (spec.type == '%') {
      out.append("%");
      continue;
    }
    if (used == values.size()) throw Fault("not enough arguments for format string");
    if (spec.type == 's' || spec.type == 'r') {
      if (spec.align == '=') spec.align = '>', spec.fill = ' ';
    }
    append_percent(budget, out, values[used++], spec, text);
  }
  const bool is_mapping = values.size() == 1 && values[0].as_mapping();
  if (used < values.size() && !is_mapping) throw Fault("not all arguments converted during string formatting");
  return out;
}

Text format_braces(Budget& budget, const Text& format, const Arguments& arguments) {
  const std::string_view text = format.bytes();
  budget.bytes(text.size());
  Text out;
  size_t next = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t brace = std::min(text.find_first_of("{}", at), text.size());
    out.append(format, at, brace - at);
    at = brace + 1;
    if (brace == text.size()) break;
    budget.step();
    if (at < text.size() && text[at] == text[brace]) {
      out.append(format, at++, 1);
      continue;
    }
    if (text[brace] == '}') throw Fault("Single '}}' encountered in format string");
    const size_t close = text.find('}', at);
    if (close == std::string_view::npos) throw Fault("expected '}}' before end of string");
    const std::string_view field = text.substr(at, close - at);
    at = close + 1;
    const size_t colon = std::min(field.find(':'), field.size());
    const std::string_view spec = field.substr(std::min(colon + 1, field.size()));
    std::string_view name = field.substr(0, colon);
    char conversion = 's';
    if (const size_t mark = name.find('!'); mark != std::string_view::npos) {
      if (mark + 2 != name.size() || (name[mark + 1] != 'r' && name[mark + 1] != 's')) {
        throw Fault("the conversion of '{}' is not one that chat templates use", field);
      }
      conversion = name[mark + 1];
      name = name.substr(0, mark);
    }
    if (name.find_first_of(".[{") != std::string_view::npos)
      throw Fault("the field '{}' is not a position or a name", name);
    const Value* value = nullptr;
    size_t digits = 0;
    if (name.empty()) {
      if (next < arguments.positional.size()) value = &arguments.positional[next];
      ++next;
    } else if (const auto index = read_number(name, digits); index && digits == name.size()) {
      if (*index < arguments.positional.size()) value = &arguments.positional[*index];
    } else {
      value = arguments.find(name);
    }
    if (!value) throw Fault("the format string has no argument for '{}'", field);
    append_field(budget, out, conversion == 'r' ? Value(to_repr(budget, *value)) : *value, spec);
  }
  return out;
}

}  // namespace bantam::jinja
