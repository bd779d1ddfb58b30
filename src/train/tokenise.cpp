#include "train/tokenise.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "formats/gguf.h"
#include "text/bpe_trainer.h"
#include "train/reading_tags.h"

namespace bantam {
namespace {

constexpr double kSampleBytes = 32e6;
constexpr double kZstdRatio = 3.5;  // of text, roughly; only the size of the vocabulary's sample depends on it
constexpr size_t kDocumentsAtATime = 256;

class Fingerprint {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
    hash_ = (hash_ ^ bytes.size()) * 0x100000001B3ull;
  }
  std::string hex() const { return fmt::format("{:016x}", hash_); }

 private:
  uint64_t hash_ = 0xCBF29CE484222325ull;
};

// The part of a source's documents the vocabulary is trained on.
double sample_share(const std::filesystem::path& source) {
  const double bytes = static_cast<double>(std::filesystem::file_size(source));
  return std::min(1.0, kSampleBytes / (source.extension() == ".zst" ? bytes * kZstdRatio : bytes));
}

struct EncodedDocument {
  std::vector<int32_t> tokens;
  std::vector<bool> counted;
  std::vector<uint8_t> tags;
  uint64_t text_bytes = 0;
};

EncodedDocument encode(const TrainingDocument& document, const Tokenizer& tokenizer) {
  EncodedDocument out;
  if (document.reading) {
    ReadingDocument reading = reading_document(*document.reading, tokenizer);
    out.counted.assign(reading.tokens.size(), false);
    out.tokens = std::move(reading.tokens);
    out.tags = std::move(reading.tags);
    out.text_bytes = document.reading->question.size() + document.reading->passage.size();
    return out;
  }
  if (document.messages.empty()) {
    out.tokens = tokenizer.encode(document.text, {.add_bos = tokenizer.wants_bos(), .add_eos = true});
    out.text_bytes = document.text.size();
    return out;
  }
  ChatTokens chat = encode_chat(tokenizer, document.messages, false);
  out.tokens = std::move(chat.ids);
  out.counted = std::move(chat.is_answer);
  for (const ChatMessage& m : document.messages) out.text_bytes += m.content.size();
  return out;
}

std::string identity_of(const std::filesystem::path& source, const Tokenizer& tokenizer) {
  const auto changed = std::filesystem::last_write_time(source).time_since_epoch().count();
  return fmt::format("{} {} {} {}", vocabulary_fingerprint(tokenizer), source.filename().string(),
                     std::filesystem::file_size(source), changed);
}

void write_tokens(const std::filesystem::path& source, const Tokenizer& tokenizer, TokenFileWriter& writer,
                  ThreadPool& pool, const TokeniseProgress& progress) {
  DocumentReader reader(source);
  uint64_t documents = 0, text_bytes = 0;
  for (bool more = true; more;) {
    std::vector<TrainingDocument> batch;
    while (batch.size() < kDocumentsAtATime) {
      auto document = reader.next();
      more = document.has_value();
      if (!more) break;
      batch.push_back(std::move(*document));
    }
    std::vector<EncodedDocument> encoded(batch.size());
    pool.parallel_for(static_cast<int64_t>(batch.size()), 1, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        encoded[i] = encode(batch[i], tokenizer);
      }
    });
    for (const EncodedDocument& e : encoded) {
      writer.add(e.tokens, e.counted, e.text_bytes, e.tags);
      text_bytes += e.text_bytes;
    }
    documents += encoded.size();
    if (progress) progress("tokenising " + source.filename().string(), documents, text_bytes);
  }
}

void require_chat_tokens(const std::filesystem::path& source, const Tokenizer& tokenizer) {
  if (!DocumentReader(source).reads_conversations()) return;
  if (tokenizer.find("<|im_start|>") && tokenizer.find("<|im_end|>")) return;
  throw UsageError("{}: holds conversations, but the vocabulary has no <|im_start|> and <|im_end|> to mark who speaks",
                   source.string());
}

}  // namespace

ReadingDocument reading_document(const ReadingExample& example, const Tokenizer& tokenizer) {
  const ReadingTokens reading = encode_reading(tokenizer, example.question, example.passage);
  std::vector<uint8_t> labels(reading.ids.size());
  labels[0] = kSpanCandidate;
  if (example.answers.empty()) labels[0] |= kSpanBegin | kSpanEnd;
  bool answered = example.answers.empty();
  const auto label = [&](int token) -> uint8_t& { return labels[static_cast<size_t>(reading.passage_begin + token)]; };
  for (int t = 0; t < reading.passage_tokens(); ++t) {
    const auto [begin, end] = reading.bytes[static_cast<size_t>(t)];
    if (begin < end) label(t) |= kSpanCandidate;
  }
  for (const ReadingExample::Span& answer : example.answers) {
    int first = -1, last = -1;
    for (int t = 0; t < reading.passage_tokens(); ++t) {
      const auto [begin, end] = reading.bytes[static_cast<size_t>(t)];
      if (begin == end || end <= answer.begin || begin >= answer.end) continue;
      if (first < 0) first = t;
      last = t;
    }
    if (first < 0) continue;
    label(first) |= kSpanBegin;
    label(last) |= kSpanEnd;
    answered = true;
  }
  if (!answered) return {};
  ReadingDocument out{reading.ids, {}};
  for (size_t i = 0; i < labels.size(); ++i) out.tags.push_back(reading_tag(reading.types[i], labels[i]));
  out.tokens.push_back(tokenizer.eos().value_or(0));
  out.tags.push_back(0);
  return out;
}

Tokenizer train_vocabulary(std::span<const std::filesystem::path> sources, int vocab_size,
                           const TokeniseProgress& progress) {
  BpeTrainerOptions options;
  options.vocab_size = vocab_size;
  BpeTrainer trainer(options);
  uint64_t documents = 0, text_bytes = 0;
  for (const std::filesystem::path& source : sources) {
    const double share = sample_share(source);
    DocumentReader reader(source);
    for (double at = 0; const auto document = reader.next(); at += share) {
      if (share < 1 && std::floor(at + share) == std::floor(at)) continue;
      trainer.add(document->text);
      for (const ChatMessage& m : document->messages) trainer.add(m.content);
      if (document->reading) trainer.add(document->reading->passage);
      text_bytes += document->text.size();
      if (progress && ++documents % kDocumentsAtATime == 0)
        progress("reading for the vocabulary", documents, text_bytes);
    }
  }
  if (progress) progress("training the vocabulary", documents, text_bytes);
  return trainer.train();
}

void save_vocabulary(const std::filesystem::path& path, const Tokenizer& tokenizer) {
  Metadata metadata(path.string());
  metadata.set("general.architecture", std::string("llama"));
  tokenizer.to_metadata(metadata);
  write_gguf(path, metadata, {});
}

Tokenizer load_vocabulary(const std::filesystem::path& path) {
  return Tokenizer::from_metadata(read_gguf(path).metadata);
}

std::string vocabulary_fingerprint(const Tokenizer& tokenizer) {
  Fingerprint print;
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    print.add(tokenizer.piece(id));
    const char type = static_cast<char>(tokenizer.type(id));
    print.add({&type, 1});
  }
  return print.hex();
}

TokenFile tokenise(const std::filesystem::path& source, const Tokenizer& tokenizer, const std::filesystem::path& folder,
                   ThreadPool& pool, const TokeniseProgress& progress) {
  if (!std::filesystem::is_regular_file(source)) throw IoError("{}: is not a file", source.string());
  const std::string identity = identity_of(source, tokenizer);
  Fingerprint where;  // two sources may have the same name
  where.add(std::filesystem::absolute(source).lexically_normal().string());
  const auto path = folder / fmt::format("{}.{}.tokens", source.filename().string(), where.hex().substr(0, 8));
  if (auto cached = TokenFile::open_if_current(path, identity)) return std::move(*cached);
  require_chat_tokens(source, tokenizer);
  std::filesystem::create_directories(folder);
  TokenFileWriter writer(path, tokenizer.vocab_size(), identity);
  write_tokens(source, tokenizer, writer, pool, progress);
  writer.commit();
  return TokenFile(path);
}

std::vector<EvaluationDocument> evaluation_documents(const std::filesystem::path& source, const Tokenizer& tokenizer,
                                                     uint64_t max_tokens) {
  DocumentReader reader(source);
  if (reader.reads_conversations()) {
    throw UsageError("{}: holds conversations; only files of texts can be measured on", source.string());
  }
  std::vector<EvaluationDocument> documents;
  uint64_t tokens = 0;
  while (max_tokens == 0 || tokens < max_tokens) {
    const auto document = reader.next();
    if (!document) break;
    EvaluationDocument e;
    if (document->reading) {
      ReadingDocument reading = reading_document(*document->reading, tokenizer);
      if (reading.tokens.empty()) continue;
      e.tokens = std::move(reading.tokens);
      e.tags = std::move(reading.tags);
      tokens += e.tokens.size() - 1;
      documents.push_back(std::move(e));
      continue;
    }
    e.tokens = tokenizer.encode(document->text, {.add_bos = tokenizer.wants_bos()});
    if (e.tokens.size() < 2) continue;
    e.predicted_bytes = document->text.size();
    if (!tokenizer.wants_bos()) {
      const size_t first = tokenizer.decode(std::span(e.tokens).first(1)).size();
      e.predicted_bytes -= std::min<uint64_t>(first, e.predicted_bytes);
    }
    tokens += e.tokens.size() - 1;
    documents.push_back(std::move(e));
  }
  if (documents.empty()) throw UsageError("{}: has no text to measure on", source.string());
  return documents;
}

}  // namespace bantam
