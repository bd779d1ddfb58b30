#include "text/terms.h"

#include <libstemmer.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>
#include <optional>

#include "base/utf8.h"
#include "text/stop_words.h"

namespace bantam {
namespace {

constexpr size_t kLongestWord = 64;  // bytes kept of a longer one: keys, base64
constexpr int kLongestCluster = 30;  // code points; sorting marks is quadratic in it

constexpr size_t kLongestRun = 1 << 16;  // folded characters held at a time
constexpr char32_t kSoftHyphen = 0xAD, kNonJoiner = 0x200C, kJoiner = 0x200D;

enum class Kind : uint8_t { separator, spaced, paired };

bool is_ascii_letter(unsigned char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_ascii_word(unsigned char c) { return is_ascii_letter(c) || is_digit(c); }

bool is_hangul_syllable(char32_t c) { return c >= 0xAC00 && c <= 0xD7A3; }

// Written without spaces between words and never changed by NFC or folding, unless a mark follows.
bool is_plain_paired(char32_t c) {
  return is_hangul_syllable(c) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3041 && c <= 0x3096) ||
         (c >= 0x30A1 && c <= 0x30FA) || c == 0x30FC || c == 0x3005 || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2EBE0);
}

bool is_jamo(char32_t c) {
  return (c >= 0x1100 && c <= 0x11FF) || (c >= 0xA960 && c <= 0xA97C) || (c >= 0xD7B0 && c <= 0xD7FB);
}

// Scripts without spaces between words.
bool is_paired(char32_t c) {
  return is_plain_paired(c) || is_jamo(c) || (c >= 0x3131 && c <= 0x318E) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFF66 && c <= 0xFFDC) || (c >= 0x2F800 && c <= 0x2FA1F) || (c >= 0x0E01 && c <= 0x0EDF) ||
         (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17D3);
}

bool is_mark(char32_t c) {
  if (c < 0x300) return false;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

Kind kind_of(char32_t c) {
  if (c < 0x80) return is_ascii_word(static_cast<unsigned char>(c)) ? Kind::spaced : Kind::separator;
  if (is_paired(c)) return Kind::paired;
  if (c == kSoftHyphen || c == kNonJoiner || c == kJoiner) return Kind::spaced;  // folding drops them
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
      return Kind::spaced;
    default:
      return Kind::separator;
  }
}

// Letters that decompose into nothing but are typed without their stroke.
std::string_view plain_form(char32_t c) {
  switch (c) {
    case U'ø':
      return "o";
    case U'ł':
      return "l";
    case U'đ':
    case U'ð':
      return "d";
    case U'ħ':
      return "h";
    case U'ı':
      return "i";
    case U'æ':
      return "ae";
    case U'œ':
      return "oe";
    case U'þ':
      return "th";
    default:
      return {};
  }
}

bool is_latin_accent(utf8proc_int32_t c) { return c >= 0x300 && c <= 0x36F; }

// A folded character and the bytes of the source it stands for.
struct Folded {
  char32_t value;
  size_t begin, end;
};

// The word being read: at most kLongestWord bytes, zeros after them as far as a key reaches.
class Word {
 public:
  void clear() {
    std::memset(bytes_.data(), 0, kKeyBytes);
    size_ = 0;
  }
  void push_back(char c) {
    if (size_ < kLongestWord) bytes_[size_++] = c;
  }
  void append(char32_t c) {
    std::string utf8;
    append_utf8(utf8, c);
    if (size_ + utf8.size() > kLongestWord) return;
    for (const char byte : utf8) push_back(byte);
  }
  void pop_back() { bytes_[--size_] = 0; }

  size_t size() const { return size_; }
  std::string_view view() const { return {bytes_.data(), size_}; }
  std::array<uint64_t, 2> key() const { return std::bit_cast<std::array<uint64_t, 2>>(first_bytes()); }

  static constexpr size_t kKeyBytes = 16;

 private:
  std::array<char, kKeyBytes> first_bytes() const {
    std::array<char, kKeyBytes> out;
    std::memcpy(out.data(), bytes_.data(), kKeyBytes);
    return out;
  }

  std::array<char, kLongestWord> bytes_{};
  size_t size_ = 0;
};

// What a word of at most Word::kKeyBytes becomes.
struct StemEntry {
  std::array<uint64_t, 2> key{};  // zeros: empty
  std::array<char, Word::kKeyBytes> stem{};
  uint8_t stem_bytes = 0;
  bool stop = false;
};

constexpr size_t kStemEntries = 1 << 15;

uint64_t load(const char* bytes, size_t count) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, count);
  return word;
}

struct StemmerDelete {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

}  // namespace

// Murmur3's finaliser over eight bytes at a time.
uint64_t term_hash(std::string_view term) {
  uint64_t hash = 0x9E3779B97F4A7C15ull ^ term.size();
  for (size_t at = 0; at < term.size(); at += 8) {
    hash ^= load(term.data() + at, std::min<size_t>(8, term.size() - at));
    hash ^= hash >> 33;
    hash *= 0xFF51AFD7ED558CCDull;
    hash ^= hash >> 33;
    hash *= 0xC4CEB9FE1A85EC53ull;
    hash ^= hash >> 33;
  }
  return hash;
}

struct TermScanner::State {
  std::unique_ptr<sb_stemmer, StemmerDelete> stemmer{sb_stemmer_new("english", "UTF_8")};
  std::vector<StemEntry> stems = std::vector<StemEntry>(kStemEntries);
  std::vector<Folded> folded;
  std::vector<utf8proc_int32_t> cluster;
  Word word;

  // Of the call that runs.
  std::string_view text;
  void* body = nullptr;
  void (*call)(void*, const TermView&) = nullptr;

  void emit(std::string_view term, size_t begin, size_t end, bool stop) { call(body, {term, begin, end, stop}); }

  unsigned char byte(size_t at) const { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; }
  std::optional<CodePoint> code_point(size_t at) const { return decode_utf8(text.substr(at)); }

  // Whether a spaced word goes on here.
  bool is_spaced(size_t at) const {
    if (byte(at) < 0x80) return is_ascii_word(byte(at));
    const auto next = code_point(at);
    return next && kind_of(next->value) == Kind::spaced;
  }

  void scan();
  size_t ascii_word(size_t begin);
  size_t skip_contraction(size_t at) const;
  size_t paired_run(size_t begin);
  size_t folded_run(size_t begin);
  size_t fold_cluster(size_t begin);
  void emit_pairs(size_t first, size_t last);
  void emit_folded_word(size_t first, size_t last);
  void emit_word(size_t begin, size_t end, bool letters, bool capitals);
  std::string_view stem_of(std::string_view lower);
};

void TermScanner::State::scan() {
  for (size_t at = 0; at < text.size();) {
    const unsigned char c = byte(at);
    if (c < 0x80) {
      at = is_ascii_word(c) ? ascii_word(at) : at + 1;
      continue;
    }
    const auto next = code_point(at);
    if (next && is_plain_paired(next->value)) {
      at = paired_run(at);
    } else if (next && kind_of(next->value) != Kind::separator) {
      at = folded_run(at);
    } else {
      at += next ? static_cast<size_t>(next->bytes) : 1;
    }
  }
}

// The word of ASCII letters and digits that begins here, with what belongs to it: the point of 3.5, the commas of
// 1,000,000, the points of U.S. Returns where to go on.
size_t TermScanner::State::ascii_word(size_t begin) {
  word.clear();
  bool letters = false, digits = false, capitals = true;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const size_t size = text.size();
  size_t at = begin, group = begin;  // digits since `group` are not parted by a comma
  for (; at < size; ++at) {
    const unsigned char c = bytes[at];
    if (is_ascii_letter(c)) {
      letters = true;
      capitals &= c <= 'Z';
      word.push_back(static_cast<char>(c | 0x20));
    } else if (is_digit(c)) {
      digits = true;
      word.push_back(static_cast<char>(c));
    } else if (c == '.' && !letters && is_digit(byte(at + 1))) {
      word.push_back('.');
      group = size;
    } else if (c == ',' && !letters && at - group <= 3 && group < at && is_digit(byte(at + 1)) &&
               is_digit(byte(at + 2)) && is_digit(byte(at + 3)) && !is_digit(byte(at + 4))) {
      group = at + 1;
    } else {
      break;
    }
  }
  if (at - begin == 1 && letters) {
    while (byte(at) == '.' && is_ascii_letter(byte(at + 1)) && !is_spaced(at + 2)) {
      word.push_back(static_cast<char>(byte(at + 1) | 0x20));
      at += 2;
    }
  }
  if (is_spaced(at)) return folded_run(begin);
  emit_word(begin, at, !digits, letters && capitals && at - begin > 1);
  return skip_contraction(at);
}

// Past an 's, n't's t, 're and the like, which say nothing, in either apostrophe.
size_t TermScanner::State::skip_contraction(size_t at) const {
  size_t after = at;
  if (byte(at) == '\'') {
    after = at + 1;
  } else if (text.substr(at).starts_with("\u2019")) {
    after = at + 3;
  } else {
    return at;
  }
  size_t end = after;
  while (end - after < 3 && is_ascii_letter(byte(end))) ++end;
  if (end == after || is_spaced(end)) return after;
  constexpr std::array<std::string_view, 7> kEndings = {"s", "t", "d", "m", "re", "ve", "ll"};
  std::array<char, 3> lower{};
  for (size_t i = after; i < end; ++i) lower[i - after] = static_cast<char>(byte(i) | 0x20);
  const std::string_view ending(lower.data(), end - after);
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end() ? end : after;
}

// Pairs of a run that needs no folding: they are the source's own bytes.
size_t TermScanner::State::paired_run(size_t begin) {
  size_t first = begin, second = 0, at = begin;  // the run's last character but one, and its last
  char32_t before = 0;
  size_t count = 0;
  // Emits the pair that ends in the last character only when the next is known, because a mark would change it.
  char32_t last = 0;
  for (;;) {
    const auto next = byte(at) >= 0x80 ? code_point(at) : std::nullopt;
    const bool plain = next && is_plain_paired(next->value);
    if (!plain && next && kind_of(next->value) != Kind::separator && (is_mark(next->value) || is_paired(next->value))) {
      // The run goes on with characters that must be folded: from its last plain pair.
      return folded_run(count >= 2 ? first : begin);
    }
    if (count >= 2) emit(text.substr(first, at - first), first, at, is_stop_pair(before, last));
    if (!plain) break;
    if (count >= 1) first = second;
    second = at;
    before = last;
    last = next->value;
    ++count;
    at += static_cast<size_t>(next->bytes);
    if (count == 1) first = second;
  }
  if (count == 1) emit(text.substr(begin, at - begin), begin, at, false);
  return at;
}

// Appends the folded form of the character that begins here, with the marks and jamo that belong to it. Returns its
// end.
size_t TermScanner::State::fold_cluster(size_t begin) {
  size_t end = begin;
  bool jamo = false;
  for (int count = 0; count < kLongestCluster && end < text.size(); ++count) {
    const auto next = code_point(end);
    if (!next) break;
    // Vowels and final consonants belong to the leading consonant before them.
    const bool follows = is_mark(next->value) || (jamo && next->value >= 0x1160 && next->value <= 0x11FF);
    if (count > 0 && !follows && !(next->value >= 0xFF9E && next->value <= 0xFF9F)) break;
    jamo = is_jamo(next->value) || (jamo && is_mark(next->value));
    end += static_cast<size_t>(next->bytes);
  }
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                                           UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  cluster.resize(std::max<size_t>(cluster.size(), 256));
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + begin);
  const auto size = static_cast<utf8proc_ssize_t>(end - begin);
  utf8proc_ssize_t count =
      utf8proc_decompose(bytes, size, cluster.data(), static_cast<utf8proc_ssize_t>(cluster.size()), kOptions);
  if (count > static_cast<utf8proc_ssize_t>(cluster.size())) {
    cluster.resize(static_cast<size_t>(count));
    count = utf8proc_decompose(bytes, size, cluster.data(), count, kOptions);
  }
  if (count < 0) throw std::bad_alloc();  // the text is valid here
  const auto last = std::remove_if(cluster.begin(), cluster.begin() + count, is_latin_accent);
  count = utf8proc_normalize_utf32(cluster.data(), last - cluster.begin(),
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto c = static_cast<char32_t>(cluster[static_cast<size_t>(i)]);
    if (const auto plain = plain_form(c); !plain.empty()) {
      for (const char letter : plain) folded.push_back({static_cast<char32_t>(letter), begin, end});
    } else {
      folded.push_back({c, begin, end});
    }
  }
  return end;
}

// The run of word characters that begins here, folded character by character. Returns its end.
size_t TermScanner::State::folded_run(size_t begin) {
  folded.clear();
  const Kind kind = kind_of(code_point(begin)->value);
  size_t at = begin;
  while (at < text.size() && folded.size() < kLongestRun) {
    const unsigned char c = byte(at);
    if (c < 0x80 && byte(at + 1) < 0x80) {
      if (!is_ascii_word(c) || kind == Kind::paired) break;
      folded.push_back({static_cast<char32_t>(is_ascii_letter(c) ? c | 0x20 : c), at, at + 1});
      ++at;
      continue;
    }
    const auto next = code_point(at);
    if (!next || kind_of(next->value) != kind) break;
    at = fold_cluster(at);
  }
  for (size_t first = 0; first < folded.size();) {
    const Kind now = kind_of(folded[first].value);
    size_t last = first + 1;
    while (last < folded.size() && kind_of(folded[last].value) == now) ++last;
    if (now == Kind::paired) emit_pairs(first, last);
    if (now == Kind::spaced) emit_folded_word(first, last);
    first = last;
  }
  return skip_contraction(at);
}

void TermScanner::State::emit_pairs(size_t first, size_t last) {
  for (size_t i = first; i + 1 < std::max(last, first + 2); ++i) {
    const bool pair = i + 1 < last;
    const Folded& a = folded[i];
    const Folded& b = pair ? folded[i + 1] : a;
    word.clear();
    word.append(a.value);
    if (pair) word.append(b.value);
    emit(word.view(), a.begin, b.end, pair && is_stop_pair(a.value, b.value));
  }
}

void TermScanner::State::emit_folded_word(size_t first, size_t last) {
  word.clear();
  bool letters = true;
  for (size_t i = first; i < last; ++i) {
    letters &= folded[i].value < 0x80 && is_ascii_letter(static_cast<unsigned char>(folded[i].value));
    word.append(folded[i].value);
  }
  emit_word(folded[first].begin, folded[last - 1].end, letters, false);
}

// Emits `word`, which is folded: its stem if all of it are letters of English.
void TermScanner::State::emit_word(size_t begin, size_t end, bool letters, bool capitals) {
  if (!letters) {
    const std::string_view w = word.view();
    // The 1990s are asked for as 1990.
    if (w.size() >= 3 && w.back() == 's' &&
        std::all_of(w.begin(), w.end() - 1, [](char c) { return is_digit(static_cast<unsigned char>(c)); })) {
      word.pop_back();
    }
    emit(word.view(), begin, end, false);
    return;
  }
  if (word.size() > Word::kKeyBytes) {
    emit(stem_of(word.view()), begin, end, false);
    return;
  }
  const std::array<uint64_t, 2> key = word.key();
  const uint64_t hash = (key[0] ^ std::rotl(key[1], 29) * 0xC4CEB9FE1A85EC53ull) * 0x9E3779B97F4A7C15ull;
  StemEntry& entry = stems[hash >> (64 - std::countr_zero(kStemEntries))];
  if (entry.key[0] != key[0] || entry.key[1] != key[1]) {
    const std::string_view stem = stem_of(word.view()).substr(0, Word::kKeyBytes);
    entry.key = key;
    std::copy(stem.begin(), stem.end(), entry.stem.begin());
    entry.stem_bytes = static_cast<uint8_t>(stem.size());
    entry.stop = is_stop_word(word.view());
  }
  // WHO, IT and US in capitals are names.
  emit({entry.stem.data(), entry.stem_bytes}, begin, end, entry.stop && !capitals);
}

std::string_view TermScanner::State::stem_of(std::string_view lower) {
  const sb_symbol* stem =
      sb_stemmer_stem(stemmer.get(), reinterpret_cast<const sb_symbol*>(lower.data()), static_cast<int>(lower.size()));
  if (stem == nullptr) throw std::bad_alloc();
  return {reinterpret_cast<const char*>(stem), static_cast<size_t>(sb_stemmer_length(stemmer.get()))};
}

TermScanner::TermScanner() : state_(std::make_unique<State>()) {
  if (!state_->stemmer) throw std::bad_alloc();
}
TermScanner::~TermScanner() = default;
TermScanner::TermScanner(TermScanner&&) noexcept = default;
TermScanner& TermScanner::operator=(TermScanner&&) noexcept = default;

void TermScanner::run(std::string_view utf8, void* body, void (*call)(void*, const TermView&)) {
  state_->text = utf8;
  state_->body = body;
  state_->call = call;
  state_->scan();
}

std::vector<Term> terms(std::string_view utf8) {
  thread_local TermScanner scanner;
  std::vector<Term> out;
  scanner.scan(utf8, [&](const TermView& t) { out.push_back({std::string(t.text), t.begin, t.end, t.stop}); });
  return out;
}

}  // namespace bantam
