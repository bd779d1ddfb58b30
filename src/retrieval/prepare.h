// Everything about a document that can be worked out without the index: done on many threads while one writes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "retrieval/document.h"
#include "retrieval/passages.h"
#include "text/terms.h"

namespace bantam {

// A piece of a document's text as it is stored: from `begin` to where the next begins. No passage lies in two.
struct TextChunk {
  size_t begin = 0, bytes = 0;
  std::string compressed;  // zstd
};

struct PreparedPassage {
  Passage passage;
  uint16_t length = 1;   // terms of its body that are searched for, at least 1
  uint64_t content = 0;  // the same for passages of the same terms in the same order
  size_t first_use = 0, uses = 0;
};

struct PreparedDocument {
  std::string title;
  size_t text_bytes = 0;
  std::vector<PreparedPassage> passages;
  std::vector<std::pair<uint64_t, uint8_t>> uses;  // term and TermUse::packed(), by passage
  std::vector<TextChunk> chunks;
};

PreparedDocument prepare(const Document& document, const std::vector<Passage>& passages, TermScanner& scanner);

// The inverse of TextChunk::compressed. Throws FormatError when it is damaged; `source` names the index.
std::string decompress(std::string_view compressed, size_t bytes, std::string_view source);

}  // namespace bantam
