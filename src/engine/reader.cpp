#include "engine/reader.h"

#include <algorithm>

#include "base/error.h"
#include "model/forward.h"

namespace bantam {
namespace {

constexpr size_t kMostQuestionTokens = 128;
constexpr int kMostSpanTokens = 48;
constexpr int kRowsAtOnce = 2048;

// A piece of a passage short enough for the model.
struct Window {
  size_t passage;
  size_t offset;  // of its first byte in the passage
  ReadingTokens tokens;
};

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// The space nearest after `at`, or the next character where no space is near.
size_t cut_at(std::string_view text, size_t at) {
  const size_t space = text.find_first_of(" \n", at);
  if (space != std::string_view::npos && space < at + 64) return space;
  while (at < text.size() && !begins_character(text[at])) ++at;
  return at;
}

// Adds text[begin, end), cut into overlapping halves until each fits `most` tokens.
void add_windows(const Tokenizer& tokenizer, std::string_view question, std::string_view passage, size_t begin,
                 size_t end, Window window, size_t most, std::vector<Window>& windows) {
  window.offset = begin;
  window.tokens = encode_reading(tokenizer, question, passage.substr(begin, end - begin));
  const size_t length = end - begin;
  if (window.tokens.ids.size() <= most || length < 64) {
    window.tokens.ids.resize(std::min(window.tokens.ids.size(), most));
    windows.push_back(std::move(window));
    return;
  }
  for (const size_t from : {size_t{0}, length / 4, length / 2}) {
    const size_t first = from == 0 ? begin : cut_at(passage, begin + from);
    const size_t last = std::min(end, cut_at(passage, begin + from + length / 2));
    if (first < last) add_windows(tokenizer, question, passage, first, last, {window.passage, 0, {}}, most, windows);
  }
}

// The part of a question that is read.
std::string_view head_of(const Tokenizer& tokenizer, std::string_view question) {
  const std::vector<int32_t> ids = tokenizer.encode(question);
  size_t bytes = 0;
  for (size_t i = 0; i < std::min(ids.size(), kMostQuestionTokens); ++i) bytes += tokenizer.piece(ids[i]).size();
  while (bytes < question.size() && !begins_character(question[bytes])) --bytes;
  return question.substr(0, bytes);
}

// Every span of a window with its log odds against NOT_FOUND. scores[ids.size(), 2]
void collect_spans(const Window& window, const Tensor& scores, std::vector<AnswerSpan>& spans) {
  const int begin = window.tokens.passage_begin, rows = static_cast<int>(window.tokens.ids.size());
  const auto bytes = [&](int row) { return window.tokens.bytes[static_cast<size_t>(row - begin)]; };
  const real not_found = scores.row(0)[0] + scores.row(0)[1];
  for (int i = begin; i < rows; ++i) {
    if (bytes(i).begin == bytes(i).end) continue;
    for (int j = i; j < std::min(rows, i + kMostSpanTokens); ++j) {
      if (bytes(j).begin == bytes(j).end) continue;
      spans.push_back({window.offset + bytes(i).begin, window.offset + bytes(j).end,
                       static_cast<float>(scores.row(i)[0] + scores.row(j)[1] - not_found)});
    }
  }
}

// Keeps the best `count`, each place once.
void keep_best(std::vector<AnswerSpan>& spans, size_t count) {
  const auto better = [](const AnswerSpan& a, const AnswerSpan& b) {
    if (a.log_odds != b.log_odds) return a.log_odds > b.log_odds;
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  };
  const size_t most = std::min(spans.size(), 4 * count);  // windows may give a span up to four times
  std::partial_sort(spans.begin(), spans.begin() + static_cast<ptrdiff_t>(most), spans.end(), better);
  std::vector<AnswerSpan> best;
  for (size_t i = 0; i < most && best.size() < count; ++i) {
    const bool known = std::any_of(best.begin(), best.end(), [&](const AnswerSpan& s) {
      return s.begin == spans[i].begin && s.end == spans[i].end;
    });
    if (!known) best.push_back(spans[i]);
  }
  spans = std::move(best);
}

}  // namespace

Reader::Reader(std::shared_ptr<const Model> model, int threads)
    : model_(std::move(model)),
      tokenizer_(Tokenizer::from_metadata(model_->metadata())),
      pool_(threads),
      compute_{pool_, active_kernels()},
      no_cache_(model_->config(), 0) {
  const ModelConfig& c = model_->config();
  if (c.causal || c.classes != 2 || c.token_types != kReadingTypes) {
    throw UsageError("{}: is no reader model of this version; expected one that `bantam train --task reading` made",
                     model_->metadata().source());
  }
  encode_reading(tokenizer_, "?", ".");
}

std::vector<std::vector<AnswerSpan>> Reader::read(std::string_view question, std::span<const std::string_view> passages,
                                                  size_t count) {
  question = head_of(tokenizer_, question);
  std::vector<std::vector<Window>> by_passage(passages.size());
  pool_.parallel_for(static_cast<int64_t>(passages.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto p = static_cast<size_t>(begin); p < static_cast<size_t>(end); ++p) {
      add_windows(tokenizer_, question, passages[p], 0, passages[p].size(), {p, 0, {}},
                  static_cast<size_t>(model_->config().context), by_passage[p]);
    }
  });
  std::vector<Window> windows;
  for (auto& some : by_passage) std::move(some.begin(), some.end(), std::back_inserter(windows));

  std::vector<std::vector<AnswerSpan>> found(passages.size());
  Batch batch;
  for (size_t at = 0; at < windows.size();) {
    batch.clear();
    const size_t first = at;
    do {
      const std::vector<int32_t>& ids = windows[at].tokens.ids;
      batch.append(no_cache_, ids, std::span(windows[at].tokens.types).first(ids.size()), Logits::all_rows);
    } while (++at < windows.size() && batch.rows() + static_cast<int>(windows[at].tokens.ids.size()) <= kRowsAtOnce);
    const Arena::Mark mark = arena_.mark();
    Run run(arena_, compute_);
    const Tensor scores = forward(run, model_->config(), model_->weights(), batch);
    for (size_t w = first; w < at; ++w) {
      const Slice& slice = batch.slices[w - first];
      collect_spans(windows[w], {scores.row(slice.begin), nullptr, slice.count, scores.cols},
                    found[windows[w].passage]);
    }
    arena_.release(mark);
  }
  for (std::vector<AnswerSpan>& spans : found) keep_best(spans, count);
  return found;
}

}  // namespace bantam
