// Words that say nothing about what a text is about: English function and question words, Korean endings and question
// words. Used by text/terms only.
#pragma once

#include <string_view>

namespace bantam {

// `word` is in lower case.
bool is_stop_word(std::string_view word);

// Whether the two Hangul syllables are an ending or part of a question word in nearly all places where they meet.
bool is_stop_pair(char32_t first, char32_t second);

}  // namespace bantam
