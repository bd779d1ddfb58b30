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

// The terms of one passage, each once. Slots of earlier passages are told by their round, so nothing is cleared.
class UseTable {
 public:
  using Uses = std::vector<std::pair<uint64_t, TermUse>>;

  void begin_passage() {
    ++round_;
    uses_.clear();
  }
  const Uses& uses() const { return uses_; }

  TermUse& operator[](uint64_t term) {
    if (2 * uses_.size() >= slots_.size()) grow();
    Slot& slot = slots_[find(term)];
    if (slot.round != round_) {
      slot = {round_, static_cast<uint32_t>(uses_.size())};
      uses_.emplace_back(term, TermUse{});
    }
    return uses_[slot.use].second;
  }

 private:
  struct Slot {
    uint32_t round = 0, use = 0;
  };

  size_t find(uint64_t term) const {
    size_t i = term & (slots_.size() - 1);
    while (slots_[i].round == round_ && uses_[slots_[i].use].first != term) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  void grow() {
    slots_.assign(std::max<size_t>(1024, 2 * slots_.size()), {});
    round_ = 1;
    for (uint32_t i = 0; i < uses_.size(); ++i) slots_[find(uses_[i].first)] = {round_, i};
  }

  std::vector<Slot> slots_;
  Uses uses_;
  uint32_t round_ = 0;
};

std::vector<uint64_t> content_terms(TermScanner& scanner, std::string_view text) {
  std::vector<uint64_t> out;
  scanner.scan(text, [&](const TermView& term) {
    if (!term.stop) out.push_back(term_hash(term.text));
  });
  return out;
}

}  // namespace

PreparedDocument prepare(const Document& document, const std::vector<Passage>& passages, TermScanner& scanner) {
  PreparedDocument out;
  out.title = document.title;
  out.text_bytes = document.text.size();
  out.chunks = chunks_of(document, passages);
  const std::vector<uint64_t> title = content_terms(scanner, document.title);
  std::vector<uint64_t> heading;
  const std::string* last_heading = nullptr;
  UseTable table;
  for (const Passage& p : passages) {
    if (last_heading == nullptr || *last_heading != p.heading) heading = content_terms(scanner, p.heading);
    last_heading = &p.heading;
    table.begin_passage();
    for (const uint64_t term : title) table[term].in_title = true;
    for (const uint64_t term : heading) table[term].in_heading = true;
    PreparedPassage passage{p, 0, 0, out.uses.size(), 0};
    size_t length = 0;
    scanner.scan(std::string_view(document.text).substr(p.begin, p.end - p.begin), [&](const TermView& term) {
      if (term.stop) return;
      const uint64_t hash = term_hash(term.text);
      TermUse& use = table[hash];
      if (use.count < TermUse::kMostCount) ++use.count;
      passage.content = (passage.content ^ hash) * 0x9E3779B97F4A7C15ull;
      ++length;
    });
    passage.length = static_cast<uint16_t>(std::clamp<size_t>(length, 1, UINT16_MAX));
    for (const auto& [term, use] : table.uses()) out.uses.emplace_back(term, use.packed());
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
