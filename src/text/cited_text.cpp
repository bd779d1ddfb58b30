#include "text/cited_text.h"

#include <algorithm>
#include <array>

namespace bantam {
namespace {

constexpr int kMostSentenceBytes = 500;
constexpr int kMostSpaces = 2;

bool is_space(unsigned char c) { return c == ' ' || c == '\n'; }
bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_lower(unsigned char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(unsigned char c) { return is_lower(static_cast<unsigned char>(c | 0x20)); }

constexpr uint32_t packed(std::string_view word) {
  uint32_t value = 0;
  for (const char c : word) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

// Words of at most four letters whose point ends no sentence.
constexpr std::array<uint32_t, 18> kAbbreviations = {
    packed("mr"),  packed("mrs"), packed("ms"),   packed("dr"),  packed("st"),  packed("no"),
    packed("vs"),  packed("jr"),  packed("sr"),   packed("inc"), packed("ltd"), packed("co"),
    packed("fig"), packed("gen"), packed("prof"), packed("vol"), packed("ch"),  packed("pp")};

}  // namespace

// The first byte of a character that is not ASCII.
bool CitedText::start_character(unsigned char byte) {
  if (byte < 0xC2 || byte > 0xF4) return false;
  pending_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  low_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
  high_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
  return true;
}

void CitedText::end_word() {
  word_ = 0;
  word_size_ = 0;
}

bool CitedText::push_text(unsigned char byte) {
  if (bytes_ >= kMostSentenceBytes && !(byte == ' ' && spaces_ == 0)) return false;
  ++bytes_;
  if (byte >= 0x80) {
    if (!start_character(byte)) return false;
  } else if (byte < ' ' || byte == 0x7F || byte == '[' || byte == ']') {
    return false;
  }
  const bool space = byte == ' ';
  if (space && spaces_ >= 1) return false;
  spaces_ = space ? 1 : 0;
  said_ = said_ || !space;

  const bool abbreviation = byte == '.' && ((word_size_ == 1 && is_letter(static_cast<unsigned char>(word_))) ||
                                            std::ranges::find(kAbbreviations, word_) != kAbbreviations.end());
  const bool stop = byte == '.' || byte == '!' || byte == '?';
  const bool closes = byte == '"' || byte == '\'' || byte == ')';
  phase_ = (stop && !abbreviation) || (closes && phase_ == Phase::stopped) ? Phase::stopped : Phase::text;
  if (is_letter(byte)) {
    word_ = word_ << 8 | (byte | 0x20u);
    word_size_ = static_cast<uint8_t>(std::min(word_size_ + 1, 255));
  } else {
    end_word();
  }
  return true;
}

bool CitedText::push_number(unsigned char byte) {
  if (is_digit(byte)) {
    const int number = number_ * 10 + (byte - '0');
    if (number < 1 || number > sources_) return false;
    number_ = static_cast<uint8_t>(number);
    phase_ = Phase::number;
    return true;
  }
  if (phase_ == Phase::open) return byte == ' ' && spaces_++ == 0;
  if (byte != ']' && byte != ',') return false;
  number_ = 0;
  spaces_ = byte == ']' ? 1 : 0;
  phase_ = byte == ']' ? Phase::cited : Phase::open;
  return true;
}

bool CitedText::push(unsigned char byte) {
  if (pending_ > 0) {
    if (byte < low_ || byte > high_) return false;
    low_ = 0x80;
    high_ = 0xBF;
    --pending_;
    ++bytes_;
    return true;
  }
  // While the text could still become NOT_FOUND it is also an ordinary one that happens to begin so.
  if (phase_ == Phase::not_found) return false;
  if (first_ && not_found_ == bytes_ && bytes_ < kNotFound.size() &&
      byte == static_cast<unsigned char>(kNotFound[bytes_])) {
    if (++not_found_ == kNotFound.size()) {
      phase_ = Phase::not_found;
      return true;
    }
  }
  switch (phase_) {
    case Phase::before:
      return byte == ' ' ? spaces_++ < kMostSpaces : push_text(byte);
    case Phase::stopped:
      if (byte == ' ') {
        phase_ = Phase::after_stop;
        spaces_ = 1;
        ++bytes_;
        return true;
      }
      [[fallthrough]];
    case Phase::text:
      if (byte == '[' && said_) {
        phase_ = Phase::open;
        spaces_ = 1;  // none after the bracket
        number_ = 0;
        return true;
      }
      return push_text(byte);
    case Phase::after_stop:
      if (byte == '[') {
        phase_ = Phase::text;
        return push(byte);
      }
      return (is_lower(byte) || is_digit(byte)) && push_text(byte);
    case Phase::open:
    case Phase::number:
      return push_number(byte);
    case Phase::cited:  // spaces_ is 1 as long as a stop may follow
      if (byte == '[') {
        phase_ = Phase::open;
        spaces_ = 1;
        return true;
      }
      if (byte == '.' && spaces_ == 1) {
        spaces_ = 0;
        return true;
      }
      if (!is_space(byte)) return false;
      phase_ = Phase::after_cited;
      spaces_ = 1;
      return true;
    case Phase::after_cited:
      if (is_space(byte)) return spaces_++ < kMostSpaces;
      first_ = said_ = false;
      bytes_ = 0;
      spaces_ = 0;
      end_word();
      phase_ = Phase::text;
      return push_text(byte);
    case Phase::not_found:
      break;
  }
  return false;
}

bool CitedText::complete() const {
  return phase_ == Phase::cited || phase_ == Phase::after_cited || phase_ == Phase::not_found;
}

std::vector<CitedSentence> parse_cited_text(std::string_view text) {
  std::vector<CitedSentence> out;
  size_t begin = 0;
  bool in_numbers = false;  // since the last number nothing else was said
  for (size_t open = text.find('['); open != std::string_view::npos; open = text.find('[', begin)) {
    const size_t close = text.find(']', open);
    if (close == std::string_view::npos) break;
    std::string_view said = text.substr(begin, open - begin);
    // A stop after the number belongs to the sentence before it.
    if (in_numbers && said.starts_with('.')) {
      out.back().text += '.';
      said.remove_prefix(1);
    }
    const size_t first = said.find_first_not_of(" \n");
    if (first != std::string_view::npos) {
      out.push_back({std::string(said.substr(first, said.find_last_not_of(" \n") + 1 - first)), {}});
    }
    begin = close + 1;
    if (out.empty()) continue;
    in_numbers = true;
    int number = 0;
    for (const char c : text.substr(open + 1, close - open)) {
      if (is_digit(static_cast<unsigned char>(c))) {
        number = std::min(number, 1000) * 10 + (c - '0');
        continue;
      }
      std::vector<int>& sources = out.back().sources;
      if (number > 0 && std::ranges::find(sources, number) == sources.end()) sources.push_back(number);
      number = 0;
    }
  }
  if (in_numbers && text.substr(begin).starts_with('.')) out.back().text += '.';
  return out;
}

}  // namespace bantam
