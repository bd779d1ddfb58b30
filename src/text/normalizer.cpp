#include "text/normalizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace bantam {
namespace {

// Calls f(code point, its bytes); nothing for the code point of a byte that is not UTF-8.
template <class F>
void for_each_character(std::string_view text, F&& f) {
  while (!text.empty()) {
    const auto next = decode_utf8(text);
    const size_t bytes = next ? static_cast<size_t>(next->bytes) : 1;
    f(next ? std::optional(next->value) : std::nullopt, text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
}

std::string lowercase(std::string_view text) {
  std::string out;
  for_each_character(text, [&](std::optional<char32_t> c, std::string_view bytes) {
    if (!c) {
      out += bytes;
    } else if (*c == U'\u0130') {
      out += "i\u0307";  // the one character whose small form is two
    } else {
      append_utf8(out, to_lower(*c));
    }
  });
  return out;
}

std::string without_marks(std::string_view text) {
  std::string out;
  for_each_character(text, [&](std::optional<char32_t> c, std::string_view bytes) {
    if (!c || !(char_traits(*c) & trait::kMark)) out += bytes;
  });
  return out;
}

std::string_view stripped(std::string_view text, bool left) {
  size_t first = text.size(), last = 0, at = 0;  // of what is no space
  for_each_character(text, [&](std::optional<char32_t> c, std::string_view bytes) {
    if (!c || char_class(*c) != CharClass::space) {
      first = std::min(first, at);
      last = at + bytes.size();
    }
    at += bytes.size();
  });
  return left ? text.substr(first) : text.substr(0, last);
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (true) {
    const size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == text.npos) return out;
    out += to;
    text.remove_prefix(at + from.size());
  }
}

std::string replaced(std::string_view text, const Pattern& pattern, std::string_view to) {
  std::string out;
  size_t done = 0;
  for (const Pattern::Match& match : pattern.find_all(text)) {
    out += text.substr(done, match.begin - done);
    out += to;
    done = match.end;
  }
  return out += text.substr(done);
}

}  // namespace

const Normalizer::Name Normalizer::kNames[] = {{"nfc", Kind::nfc, 0},
                                               {"nfd", Kind::nfd, 0},
                                               {"nfkc", Kind::nfkc, 0},
                                               {"nfkd", Kind::nfkd, 0},
                                               {"lowercase", Kind::lowercase, 0},
                                               {"strip_accents", Kind::strip_accents, 0},
                                               {"strip_left", Kind::strip_left, 0},
                                               {"strip_right", Kind::strip_right, 0},
                                               {"charsmap", Kind::charsmap, 0},
                                               {"prepend", Kind::prepend, 1},
                                               {"replace", Kind::replace, 2},
                                               {"replace_pattern", Kind::replace_pattern, 2}};

Normalizer::Normalizer(std::span<const std::string> steps, CharsMap chars_map, const std::string& source)
    : chars_map_(std::move(chars_map)) {
  if (!chars_map_.empty() && std::ranges::find(steps, "charsmap") == steps.end())
    steps_.push_back({Kind::charsmap, {}, {}});
  while (!steps.empty()) {
    const auto* known = std::ranges::find(kNames, steps[0], &Name::name);
    if (known == std::end(kNames)) {
      std::string names;
      for (const Name& name : kNames) names += fmt::format("{}{}", names.empty() ? "" : ", ", name.name);
      throw UnsupportedError("{}: text is normalised by '{}', this build knows {}", source, steps[0], names);
    }
    if (steps.size() <= known->texts || (known->texts == 2 && steps[1].empty())) {
      throw FormatError(
          "{}: the step '{}' of normalising text has {} texts behind it, expected {}, the first not empty", source,
          known->name, steps.size() - 1, known->texts);
    }
    Step step{known->kind, known->texts == 2 ? steps[1] : "", known->texts > 0 ? steps[known->texts] : ""};
    if (step.kind == Kind::replace_pattern) step.pattern.emplace_back(step.from);
    steps_.push_back(std::move(step));
    steps = steps.subspan(1 + known->texts);
  }
}

std::string Normalizer::normalize(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) out = apply(step, out);
  return out;
}

std::string Normalizer::apply(const Step& step, std::string_view text) const {
  switch (step.kind) {
    case Kind::nfc:
      return to_normal_form(text, NormalForm::nfc);
    case Kind::nfd:
      return to_normal_form(text, NormalForm::nfd);
    case Kind::nfkc:
      return to_normal_form(text, NormalForm::nfkc);
    case Kind::nfkd:
      return to_normal_form(text, NormalForm::nfkd);
    case Kind::lowercase:
      return lowercase(text);
    case Kind::strip_accents:
      return without_marks(text);
    case Kind::strip_left:
      return std::string(stripped(text, true));
    case Kind::strip_right:
      return std::string(stripped(text, false));
    case Kind::charsmap:
      return chars_map_.normalize(text);
    case Kind::prepend:
      return text.empty() ? std::string() : step.to + std::string(text);
    case Kind::replace:
      return replaced(text, step.from, step.to);
    case Kind::replace_pattern:
      return replaced(text, step.pattern[0], step.to);
  }
  return std::string(text);
}

}  // namespace bantam
