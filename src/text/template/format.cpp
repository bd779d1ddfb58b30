#include "text/template/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "text/template/characters.h"
#include "text/template/operators.h"
#include "text/unicode.h"

namespace bantam::jinja {
namespace {

// The escape that repr() and JSON share, or nothing.
std::string_view short_escape(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    default:
      return {};
  }
}

void append_quoted_repr(Budget& budget, Text& out, const Text& text) {
  budget.bytes(2 * text.size() + 2);
  const std::string& bytes = text.bytes();
  const bool has_single = bytes.find('\'') != std::string::npos, has_double = bytes.find('"') != std::string::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out.append(std::string_view(&quote, 1));
  for (size_t at = 0; at < bytes.size();) {
    const Character c = character_at(bytes, at);
    std::string escape(short_escape(c.value));
    if (c.value == static_cast<char32_t>(quote)) {
      escape = {'\\', quote};
    } else if (escape.empty() && !is_printable(c.value)) {
      const auto code = static_cast<uint32_t>(c.value);
      escape = code < 0x100     ? fmt::format("\\x{:02x}", code)
               : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                                : fmt::format("\\U{:08x}", code);
    }
    if (escape.empty()) {
      out.append(text, at, c.bytes);
    } else {
      budget.bytes(escape.size());
      out.append(escape, text.origin(at));
    }
    at += c.bytes;
  }
  out.append(std::string_view(&quote, 1));
}

void append_repr(Budget& budget, Text& out, const Value& value);

void append_items(Budget& budget, Text& out, const Sequence& sequence, std::string_view open, std::string_view close) {
  out.append(open);
  for (size_t i = 0; i < sequence.items.size(); ++i) {
    if (i > 0) out.append(", ");
    append_repr(budget, out, sequence.items[i]);
  }
  if (sequence.kind == SequenceKind::tuple && sequence.items.size() == 1) out.append(",");
  out.append(close);
}

void append_repr(Budget& budget, Text& out, const Value& value) {
  budget.step();
  budget.bytes(24);
  if (value.is_undefined()) {
    out.append("Undefined");
  } else if (value.is_none()) {
    out.append("None");
  } else if (value.is_bool()) {
    out.append(value.truthy() ? "True" : "False");
  } else if (value.is_integer()) {
    out.append(fmt::format("{}", *value.as_integer()));
  } else if (value.is_float()) {
    out.append(float_text(*value.as_number()));
  } else if (const Text* text = value.as_text()) {
    append_quoted_repr(budget, out, *text);
  } else if (const Sequence* sequence = value.as_sequence()) {
    switch (sequence->kind) {
      case SequenceKind::list:
        return append_items(budget, out, *sequence, "[", "]");
      case SequenceKind::tuple:
        return append_items(budget, out, *sequence, "(", ")");
      case SequenceKind::generator:
        throw Fault("a generator is printed: it needs the filter 'list' or 'join'");
      default:
        return append_items(budget, out, *sequence, fmt::format("{}([", value.type_name()), "])");
    }
  } else if (const Mapping* mapping = value.as_mapping()) {
    out.append("{");
    for (size_t i = 0; i < mapping->entries.size(); ++i) {
      if (i > 0) out.append(", ");
      append_repr(budget, out, mapping->entries[i].first);
      out.append(": ");
      append_repr(budget, out, mapping->entries[i].second);
    }
    out.append("}");
  } else {
    throw Fault("a '{}' object is printed", value.type_name());
  }
}

class JsonWriter {
 public:
  JsonWriter(Budget& budget, const JsonOptions& options) : budget_(budget), options_(options) {}

  void write(const Value& value, size_t level) {
    budget_.step();
    budget_.bytes(24);
    if (value.is_none()) {
      out.append("null");
    } else if (value.is_bool()) {
      out.append(value.truthy() ? "true" : "false");
    } else if (value.is_integer()) {
      out.append(fmt::format("{}", *value.as_integer()));
    } else if (value.is_float()) {
      write_float(*value.as_number());
    } else if (const Text* text = value.as_text()) {
      write_string(*text);
    } else if (const Sequence* sequence = value.as_sequence(); sequence && sequence->kind <= SequenceKind::tuple) {
      write_items("[", "]", sequence->items.size(), level, [&](size_t i) { write(sequence->items[i], level + 1); });
    } else if (const Mapping* mapping = value.as_mapping()) {
      write_mapping(*mapping, level);
    } else {
      throw Fault("Object of type {} is not JSON serializable", value.type_name());
    }
  }

  Text out;

 private:
  void write_float(double value) {
    out.append(std::isnan(value)   ? "NaN"
               : std::isinf(value) ? (value < 0 ? "-Infinity" : "Infinity")
                                   : float_text(value));
  }

  void write_mapping(const Mapping& mapping, size_t level) {
    std::vector<const std::pair<Value, Value>*> entries;
    for (const auto& entry : mapping.entries) entries.push_back(&entry);
    if (options_.sort_keys) {
      std::ranges::stable_sort(entries,
                               [&](const auto* a, const auto* b) { return order(budget_, a->first, b->first) < 0; });
    }
    write_items("{", "}", entries.size(), level, [&](size_t i) {
      write_key(entries[i]->first);
      out.append(options_.key_separator);
      write(entries[i]->second, level + 1);
    });
  }

  void write_key(const Value& key) {
    if (key.as_text()) return write(key, 0);
    if (!key.as_number() && !key.is_none())
      throw Fault("keys must be str, int, float, bool or None, not {}", key.type_name());
    out.append("\"");
    write(key, 0);
    out.append("\"");
  }

  template <class Item>
  void write_items(std::string_view open, std::string_view close, size_t count, size_t level, const Item& item) {
    out.append(open);
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out.append(options_.item_separator);
      break_line(level + 1);
      item(i);
    }
    if (count > 0) break_line(level);
    out.append(close);
  }

  void break_line(size_t level) {
    if (!options_.indent) return;
    budget_.bytes(1 + level * options_.indent->size());
    out.append("\n");
    for (size_t i = 0; i < level; ++i) out.append(*options_.indent);
  }

  void write_string(const Text& text) {
    const std::string& bytes = text.bytes();
    budget_.bytes(2 * bytes.size() + 2);
    out.append("\"");
    for (size_t at = 0; at < bytes.size();) {
      const Character c = character_at(bytes, at);
      std::string escape(short_escape(c.value));
      if (c.value == '"') escape = "\\\"";
      if (c.value == '\b') escape = "\\b";
      if (c.value == '\f') escape = "\\f";
      if (escape.empty() && (c.value < 0x20 || (options_.ensure_ascii && c.value > 0x7E)))
        escape = unicode_escape(c.value);
      if (escape.empty()) {
        out.append(text, at, c.bytes);
      } else {
        budget_.bytes(escape.size());
        out.append(escape, text.origin(at));
      }
      at += c.bytes;
    }
    out.append("\"");
  }

  static std::string unicode_escape(char32_t c) {
    const auto code = static_cast<uint32_t>(c);
    if (code < 0x10000) return fmt::format("\\u{:04x}", code);
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF));
  }

  Budget& budget_;
  const JsonOptions& options_;
};

}  // namespace

// The shortest digits that read back as `value`; an exponent from 1e16 and below 1e-4.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer;
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<size_t>(written.ptr - buffer.data()));
  const size_t e = text.find('e');
  int exponent = 0;
  const size_t digits_of_exponent = e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + digits_of_exponent, text.data() + text.size(), exponent);
  std::string digits(text.substr(0, e));
  const std::string sign = digits[0] == '-' ? "-" : "";
  std::erase_if(digits, [](char c) { return c == '.' || c == '-'; });
  const auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    if (count > 1) digits.insert(1, ".");
    return fmt::format("{}{}e{}{:02}", sign, digits, exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1) return sign + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return sign + digits.insert(static_cast<size_t>(exponent + 1), ".");
}

void append_text(Budget& budget, Text& out, const Value& value) {
  if (value.is_undefined()) return;
  if (const Text* text = value.as_text()) {
    budget.bytes(text->size());
    out.append(*text);
  } else {
    append_repr(budget, out, value);
  }
}

Text to_text(Budget& budget, const Value& value) {
  Text out;
  append_text(budget, out, value);
  return out;
}

Text to_repr(Budget& budget, const Value& value) {
  Text out;
  append_repr(budget, out, value);
  return out;
}

Text to_json(Budget& budget, const Value& value, const JsonOptions& options) {
  JsonWriter writer(budget, options);
  writer.write(value, 0);
  return std::move(writer.out);
}

}  // namespace bantam::jinja
