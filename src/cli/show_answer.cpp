#include "cli/show_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/utf8.h"
#include "retrieval/answer_json.h"
#include "retrieval/hangul.h"

namespace bantam {
namespace {

// One line: line breaks and control characters of the document become spaces.
std::string plain(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = ' ';
  }
  return line;
}

std::string url_of(const std::string& file) {
  std::string url = "file://";
  for (const char c : file) {
    const bool safe = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                      std::string_view("/._-~").find(c) != std::string_view::npos;
    url += safe ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return url;
}

// The file's name, a link to it (OSC 8) on terminals, and where in it.
std::string source_line(const Citation& c, bool korean, bool colour) {
  std::string name = plain(c.file);
  if (colour && c.file.starts_with('/')) name = fmt::format("\x1b]8;;{}\x1b\\{}\x1b]8;;\x1b\\", url_of(c.file), name);
  std::string line = name;
  const std::string& place = c.heading.empty() ? c.title : c.heading;
  if (!place.empty()) line += ", " + plain(place);
  if (c.page > 0) line += korean ? fmt::format(", {}쪽", c.page) : fmt::format(", page {}", c.page);
  return line + (korean ? fmt::format(", {}-{}바이트", c.begin, c.end) : fmt::format(", bytes {}-{}", c.begin, c.end));
}

std::string quote_line(const Citation& c, bool colour) {
  const size_t begin = c.answer_begin - c.begin, end = c.answer_end - c.begin;
  const std::string_view quote = c.quote;
  if (begin == end) return plain(quote);
  return plain(quote.substr(0, begin)) + (colour ? "\x1b[1;32m" : "**") + plain(quote.substr(begin, end - begin)) +
         (colour ? "\x1b[0m" : "**") + plain(quote.substr(end));
}

// What became of a language model's sentences that is no part of the answer.
std::string remarks(const Answer& answer, bool korean) {
  std::string out;
  for (const Statement& s : answer.statements) {
    if (s.supported) continue;
    out += fmt::format("  {}: {}\n", korean ? "문서에 근거가 없어 뺀 문장" : "left out, the sources do not say it",
                       plain(s.text));
  }
  const size_t read = answer.sources_read, found = answer.sources_found;
  if (read < found) {
    out += korean
               ? fmt::format("  구절 {}개 중 {}개만 모델의 문맥에 들어갔습니다. -c로 늘릴 수 있습니다.\n", found, read)
               : fmt::format("  only {} of {} passages fit the model's context; -c allows more\n", read, found);
  }
  return out;
}

}  // namespace

std::string answer_text(const Answer& answer, std::string_view question, bool colour) {
  const bool korean = contains_hangul(question);
  std::string out;
  if (answer.abstained) {
    out = korean ? "문서에 답이 없습니다.\n" : "The documents do not say.\n";
    if (!answer.citations.empty()) out += korean ? "가장 가까운 부분:\n" : "The nearest they come:\n";
  } else {
    out = (colour ? "\x1b[1m" : "") + plain(std::string(shown_text(answer))) + (colour ? "\x1b[0m" : "") + "\n";
  }
  for (size_t i = 0; i < answer.citations.size(); ++i) {
    const Citation& c = answer.citations[i];
    out += fmt::format("  [{}] {}\n      {}{}{}\n", i + 1,
                       answer.abstained ? plain(c.quote) : "\"" + quote_line(c, colour) + "\"", colour ? "\x1b[2m" : "",
                       source_line(c, korean, colour), colour ? "\x1b[0m" : "");
  }
  return out + remarks(answer, korean);
}

Json answer_json(const Answer& answer, std::string_view question) {
  Json json = {{"question", question},
               {"answer", answer.text},
               {"abstained", answer.abstained},
               {"confidence", answer.confidence},
               {"citations", citations_json(answer)},
               {"timing", {{"search_ms", answer.search_ms}, {"read_ms", answer.read_ms}}}};
  if (answer.sources_found > 0) {
    Json sentences = Json::array();
    for (const Statement& s : answer.statements) {
      Json numbers = Json::array();  // as in the text
      for (const size_t place : s.citations) numbers.push_back(place + 1);
      sentences.push_back({{"text", s.text}, {"supported", s.supported}, {"citations", numbers}});
    }
    json["sentences"] = sentences;
    json["sources_read"] = answer.sources_read;
    json["sources_found"] = answer.sources_found;
    json["timing"]["write_ms"] = answer.write_ms;
  }
  return json;
}

}  // namespace bantam
