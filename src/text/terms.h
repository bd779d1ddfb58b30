// What search, and the marks of words that a question and a passage share, call a word.
//
// Latin and other spaced words are whole, folded (case, accents, width) and, in English, stemmed; digits stay with
// their word (1995, f16, 3.5; 1,000 is 1000, U.S. is us). Runs of Hangul, Han and kana become overlapping pairs of
// characters, a run of one is that character. Text is compared in NFC, whatever form it came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace bantam {

struct Term {
  std::string text;   // folded and stemmed
  size_t begin, end;  // bytes of the source as given
  bool stop;          // a function or question word: no use for search on its own
};

// A term of which `text` lives until the callback returns.
struct TermView {
  std::string_view text;
  size_t begin, end;
  bool stop;
};

// Cuts text into terms, in linear time, never throwing on what the text holds: bytes that are not UTF-8 separate words.
// Remembers the stems it has seen, so keep one per thread.
class TermScanner {
 public:
  TermScanner();  // throws std::bad_alloc
  ~TermScanner();
  TermScanner(TermScanner&&) noexcept;
  TermScanner& operator=(TermScanner&&) noexcept;

  // Calls f(const TermView&) for each term in order.
  template <class F>
  void scan(std::string_view utf8, F&& f) {
    using Body = std::remove_reference_t<F>;
    run(utf8, const_cast<std::remove_const_t<Body>*>(&f),
        [](void* body, const TermView& term) { (*static_cast<Body*>(body))(term); });
  }

 private:
  struct State;
  void run(std::string_view utf8, void* body, void (*call)(void*, const TermView&));

  std::unique_ptr<State> state_;
};

std::vector<Term> terms(std::string_view utf8);

// A term's number in files and tables: the same on every machine; two terms share one with odds of 2^-64.
uint64_t term_hash(std::string_view term);

}  // namespace bantam
