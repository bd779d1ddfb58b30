#include "retrieval/prepare.h"

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>

#include "retrieval/postings.h"

namespace bantam {
namespace {

// Search reads a whole chunk for each passage it looks at; smaller ones compress badly.
constexpr size_t kChunkBytes = 16 << 10;
constexpr int kCompressionLevel = 1;

struct CompressorDelete {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

std::string compress(std::string_view text) {
  thread_local const std::unique_ptr<ZSTD_CCtx, CompressorDelete> context(ZSTD_createCCtx());
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const size_t size =
      ZSTD_compressCCtx(context.get(), out.data(), out.size(), text.data(), text.size(), kCompressionLevel);
  if (ZSTD_isError(size)) throw std::bad_alloc();
  out.resize(size);
  out.shrink_to_fit();
  return out;
}

std::vector<TextChunk> chunks_of(const Document& document, const std::vector<Passage>& passages) {
  const std::string_view text = document.text;
  std::vector<TextChunk> out;
  size_t begin = 0;
  const auto close = [&](size_t end) {
    out.push_back({begin, end - begin, compress(text.substr(begin, end - begin))});
    begin = end;
  };
  for (const Passage& p : passages) {
    if (p.end - begin > kChunkBytes && p.begin > begin) close(p.begin);
  }
  if (begin < text.size()) close(text.size());
  return out;
}

// Adds a field's terms to the uses of a passage.
template <class F>
void collect(TermScanner& scanner, std::string_view text, std::vector<std::pair<uint64_t, TermUse>>& uses, F&& mark) {
  scanner.scan(text, [&](const TermView& term) {
    if (term.stop) return;
    TermUse use;
    mark(use);
    uses.emplace_back(term_hash(term.text), use);
  });
}

void merge_uses(std::vector<std::pair<uint64_t, TermUse>>& uses, std::vector<std::pair<uint64_t, uint8_t>>& out) {
  std::sort(uses.begin(), uses.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < uses.size();) {
    const uint64_t term = uses[i].first;
    TermUse all;
    for (; i < uses.size() && uses[i].first == term; ++i) {
      const TermUse& one = uses[i].second;
      all.count = static_cast<uint8_t>(std::min<int>(TermUse::kMostCount, all.count + one.count));
      all.in_title |= one.in_title;
      all.in_heading |= one.in_heading;
    }
    out.emplace_back(term, all.packed());
  }
}

}  // namespace

PreparedDocument prepare(const Document& document, const std::vector<Passage>& passages, TermScanner& scanner) {
  PreparedDocument out;
  out.title = document.title;
  out.text_bytes = document.text.size();
  out.chunks = chunks_of(document, passages);
  std::vector<std::pair<uint64_t, TermUse>> title, heading, uses;
  collect(scanner, document.title, title, [](TermUse& use) { use.in_title = true; });
  const std::string* last_heading = nullptr;
  for (const Passage& p : passages) {
    if (last_heading == nullptr || *last_heading != p.heading) {
      heading.clear();
      collect(scanner, p.heading, heading, [](TermUse& use) { use.in_heading = true; });
      last_heading = &p.heading;
    }
    uses = title;
    uses.insert(uses.end(), heading.begin(), heading.end());
    const size_t fields = uses.size();
    collect(scanner, std::string_view(document.text).substr(p.begin, p.end - p.begin), uses,
            [](TermUse& use) { use.count = 1; });
    PreparedPassage passage;
    passage.passage = p;
    passage.length = static_cast<uint16_t>(std::clamp<size_t>(uses.size() - fields, 1, UINT16_MAX));
    for (size_t i = fields; i < uses.size(); ++i) {
      passage.content = (passage.content ^ uses[i].first) * 0x9E3779B97F4A7C15ull;
    }
    passage.first_use = out.uses.size();
    merge_uses(uses, out.uses);
    passage.uses = out.uses.size() - passage.first_use;
    out.passages.push_back(std::move(passage));
  }
  return out;
}

std::string decompress(std::string_view compressed, size_t bytes, std::string_view source) {
  std::string out(bytes, '\0');
  const size_t size = ZSTD_decompress(out.data(), out.size(), compressed.data(), compressed.size());
  if (ZSTD_isError(size) || size != bytes) fail_damaged(source);
  return out;
}

}  // namespace bantam
