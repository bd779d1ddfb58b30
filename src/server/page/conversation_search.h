// What a search over conversations looks for and shows.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bantam {

// The words of a query in NFC, apart by white space; at most `most`.
std::vector<std::string> search_words(std::string_view query, size_t most);

// "%word%" for LIKE ... ESCAPE '\'. LIKE takes ASCII letters of either case as the same.
std::string like_pattern(std::string_view word);

// One line of the text around the first place of `word` (ASCII letters of either case), cut at characters.
std::string snippet_around(std::string_view text, std::string_view word);

}  // namespace bantam
