#include "retrieval/answer_text.h"

#include <array>
#include <vector>

#include "base/utf8.h"
#include "retrieval/hangul.h"

namespace bantam {
namespace {

bool is_punctuation(char32_t c) {
  if (c < 0x80) return c > ' ' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  return c == 0xB7 || (c >= 0x2010 && c <= 0x2027) || (c >= 0x3001 && c <= 0x3003) || (c >= 0x3008 && c <= 0x3011);
}

// Particles that no noun of three syllables or more is likely to end with, and what must come before them.
enum class After : uint8_t { anything, final, vowel };
struct Particle {
  std::u32string_view text;
  After after;
};
constexpr std::array<Particle, 16> kParticles = {{{U"이라는", After::final},
                                                  {U"이었다", After::final},
                                                  {U"에서는", After::anything},
                                                  {U"으로", After::final},
                                                  {U"에서", After::anything},
                                                  {U"에게", After::anything},
                                                  {U"까지", After::anything},
                                                  {U"부터", After::anything},
                                                  {U"라는", After::vowel},
                                                  {U"이다", After::final},
                                                  {U"였다", After::vowel},
                                                  {U"이며", After::final},
                                                  {U"이고", After::final},
                                                  {U"을", After::final},
                                                  {U"를", After::vowel},
                                                  {U"는", After::vowel}}};

// What follows a number and its unit: 1443년에, 15명을.
constexpr std::array<std::u32string_view, 9> kAfterUnits = {U"에서", U"부터", U"까지", U"에", U"은",
                                                            U"는",   U"을",   U"를",   U"의"};

// The syllables at the end of `text`, last word only, and where each begins.
struct Syllable {
  char32_t value;
  size_t begin;
};
std::vector<Syllable> last_word(std::string_view text, size_t begin, size_t end) {
  std::vector<Syllable> word;
  while (begin < end) {
    const auto c = decode_utf8(text.substr(begin, end - begin));
    const size_t bytes = c ? static_cast<size_t>(c->bytes) : 1;
    if (c && is_hangul(c->value))
      word.push_back({c->value, begin});
    else
      word.clear();
    begin += bytes;
  }
  return word;
}

bool ends_with(const std::vector<Syllable>& word, std::u32string_view particle) {
  if (word.size() <= particle.size()) return false;
  const size_t cut = word.size() - particle.size();
  for (size_t i = 0; i < particle.size(); ++i) {
    if (word[cut + i].value != particle[i]) return false;
  }
  return true;
}

bool word_goes_on(std::string_view text, size_t at) {
  const auto next = decode_utf8(text.substr(at));
  return next && is_hangul(next->value);
}

}  // namespace

std::string normalised_answer(std::string_view text) {
  std::string out, word;
  const auto end_word = [&] {
    if (!word.empty() && word != "a" && word != "an" && word != "the") out += (out.empty() ? "" : " ") + word;
    word.clear();
  };
  while (!text.empty()) {
    const auto c = decode_utf8(text);
    const size_t bytes = c ? static_cast<size_t>(c->bytes) : 1;
    const char32_t value = c ? c->value : U' ';
    if (value <= ' ' || value == 0xA0 || value == 0x3000) {
      end_word();
    } else if (value >= 'A' && value <= 'Z') {
      word += static_cast<char>(value | 0x20);
    } else if (!is_punctuation(value)) {
      word += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  end_word();
  return out;
}

bool same_answer(std::string_view a, std::string_view b) { return normalised_answer(a) == normalised_answer(b); }

TextRange without_particle(std::string_view text, TextRange answer) {
  if (word_goes_on(text, answer.end)) return answer;
  const std::vector<Syllable> word = last_word(text, answer.begin, answer.end);
  if (word.empty()) return answer;
  const char before = word[0].begin > answer.begin ? text[word[0].begin - 1] : ' ';
  if (before >= '0' && before <= '9') {
    for (const std::u32string_view p : kAfterUnits) {
      if (ends_with(word, p)) return {answer.begin, word[word.size() - p.size()].begin};
    }
  }
  for (const Particle& p : kParticles) {
    if (word.size() < p.text.size() + 2 || !ends_with(word, p.text)) continue;
    const size_t cut = word.size() - p.text.size();
    const bool final = has_final_consonant(word[cut - 1].value);
    if (p.after == After::anything || final == (p.after == After::final)) return {answer.begin, word[cut].begin};
  }
  return answer;
}

TextRange tidy_answer(std::string_view text, TextRange answer) {
  const auto in_word = [&](size_t at) {
    const char c = text[at];
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  };
  if (answer.size() == 0) return answer;
  while (answer.begin > 0 && in_word(answer.begin) && in_word(answer.begin - 1)) --answer.begin;
  while (answer.end < text.size() && in_word(answer.end - 1) && in_word(answer.end)) ++answer.end;
  return without_particle(text, answer);
}

}  // namespace bantam
