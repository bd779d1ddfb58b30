#include "retrieval/follow_up.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/utf8.h"
#include "retrieval/hangul.h"
#include "text/terms.h"

namespace bantam {
namespace {

// A word of a question with the bytes it takes, without the punctuation around it.
struct Word {
  std::string text;  // ASCII in lower case
  size_t begin, end;
};

bool is_ascii_punctuation(char c) {
  return static_cast<unsigned char>(c) < 0x80 && c != '\'' && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
         !(c >= '0' && c <= '9');
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && !is_ascii_punctuation(text[end])) ++end;
    if (end > at) {
      words.push_back({std::string(text.substr(at, end - at)), at, end});
      for (char& c : words.back().text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
      }
    }
    at = end + 1;
  }
  return words;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Whether a syllable that ends a word has a final consonant: it decides between 은 and 는, 이 and 가, 을 and 를.
bool ends_in_consonant(std::string_view word) {
  size_t at = word.size();
  while (at > 0 && (static_cast<unsigned char>(word[at - 1]) & 0xC0) == 0x80) --at;
  const auto c = at > 0 ? decode_utf8(word.substr(at - 1)) : std::nullopt;
  return c && is_hangul(c->value) && has_final_consonant(c->value);
}

struct ParticlePair {
  std::string_view after_consonant, after_vowel;
};
constexpr std::array<ParticlePair, 5> kParticlePairs = {
    {{"은", "는"}, {"이", "가"}, {"을", "를"}, {"과", "와"}, {"으로", "로"}}};

// The particle as the word before it wants it.
std::string agreeing(std::string_view word, std::string_view particle) {
  for (const ParticlePair& p : kParticlePairs) {
    if (particle != p.after_consonant && particle != p.after_vowel) continue;
    return std::string(ends_in_consonant(word) ? p.after_consonant : p.after_vowel);
  }
  return std::string(particle);
}

// What stands for the topic: bytes [begin, end) of the question and what to write there.
struct Replacement {
  size_t begin = 0, end = 0;
  std::string text;
};

bool replace_english(const Word& word, const std::string& topic, Replacement& out) {
  if (is_one_of(word.text, {"it", "he", "she", "they", "him", "them"})) {
    out = {word.begin, word.end, topic};
    return true;
  }
  if (is_one_of(word.text, {"his", "her", "its", "their", "it's", "he's", "she's"})) {
    out = {word.begin, word.end, topic + "'s"};
    return true;
  }
  return false;
}

// 그는, 그녀의, 그것을, 이것은, 거기에서, and 그 회사는 (a noun after 그 or 이).
bool replace_korean(const std::vector<Word>& words, size_t i, const std::string& topic, Replacement& out) {
  const Word& word = words[i];
  if (is_one_of(word.text, {"그", "이", "저"}) && i + 1 < words.size() && begins_with_hangul(words[i + 1].text)) {
    const std::string& noun = words[i + 1].text;
    std::string particle;
    for (const std::string_view p :
         {"에서", "에게", "으로", "은", "는", "이", "가", "을", "를", "의", "에", "와", "과"}) {
      if (noun.size() > p.size() + 2 && noun.ends_with(p)) {
        particle = agreeing(topic, p);
        break;
      }
    }
    out = {word.begin, words[i + 1].end, topic + particle};
    return true;
  }
  for (const std::string_view pronoun :
       {"그것", "이것", "저것", "그곳", "이곳", "그녀", "거기", "여기", "그들", "그"}) {
    if (!word.text.starts_with(pronoun)) continue;
    const std::string_view particle = std::string_view(word.text).substr(pronoun.size());
    if (!is_one_of(particle,
                   {"", "은", "는", "이", "가", "을", "를", "의", "에", "에서", "에게", "와", "과", "도", "로"}))
      continue;
    out = {word.begin, word.end, topic + agreeing(topic, particle)};
    return true;
  }
  return false;
}

bool asks_for_a_name(std::string_view question) {
  for (const Word& w : words_of(question)) {
    if (is_one_of(w.text, {"who", "whom", "which"})) return true;
    for (const std::string_view k : {"누구", "누가", "어느", "어떤"}) {
      if (w.text.starts_with(k)) return true;
    }
  }
  return false;
}

// The longest run of capitalised words that does not begin the question.
std::string capitalised_run(std::string_view question) {
  const std::vector<Word> words = words_of(question);
  std::string best;
  for (size_t i = 1; i < words.size();) {
    size_t end = i;
    while (end < words.size() && question[words[end].begin] >= 'A' && question[words[end].begin] <= 'Z' &&
           (end == i || words[end].begin == words[end - 1].end + 1)) {
      ++end;
    }
    if (end > i && words[end - 1].end - words[i].begin > best.size()) {
      best = question.substr(words[i].begin, words[end - 1].end - words[i].begin);
    }
    i = std::max(end, i + 1);
  }
  if (best.ends_with("'s")) best.resize(best.size() - 2);
  return best;
}

// The words up to the first that ends in 은, 는, 이, 가 or 의, without it: 에이다 러브레이스는 언제 ...
std::string korean_topic(std::string_view question) {
  for (const Word& w : words_of(question)) {
    if (!begins_with_hangul(w.text)) continue;
    for (const std::string_view particle : {"은", "는", "이", "가", "의"}) {
      if (!w.text.ends_with(particle) || w.text.size() < particle.size() + 6) continue;
      if (agreeing(std::string_view(w.text).substr(0, w.text.size() - particle.size()), particle) != particle) continue;
      return std::string(question.substr(0, w.end - particle.size()));
    }
  }
  return {};
}

bool names_something(std::string_view question) {
  const std::vector<Term> found = terms(question);
  return std::count_if(found.begin(), found.end(), [](const Term& t) { return !t.stop; }) >= 2;
}

}  // namespace

std::string Dialogue::resolve(std::string_view question) const {
  if (topic_.empty()) return std::string(question);
  const std::vector<Word> words = words_of(question);
  for (size_t i = 0; i < words.size(); ++i) {
    Replacement r;
    if (!replace_english(words[i], topic_, r) && !replace_korean(words, i, topic_, r)) continue;
    return std::string(question.substr(0, r.begin)) + r.text + std::string(question.substr(r.end));
  }
  if (names_something(question)) return std::string(question);
  return topic_ + " " + std::string(question);
}

void Dialogue::remember(std::string_view question, const Answer& answer) {
  if (!answer.abstained && asks_for_a_name(question)) {
    topic_ = answer.text;
    return;
  }
  std::string named = capitalised_run(question);
  if (named.empty()) named = korean_topic(question);
  if (!named.empty()) topic_ = named;
}

}  // namespace bantam
