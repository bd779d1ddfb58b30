#include "formats/sentencepiece_model.h"

#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "formats/ggml_vocabulary.h"
#include "formats/protobuf.h"

namespace bantam {
namespace {

constexpr size_t kMaxFileBytes = size_t{64} << 20;
constexpr size_t kMemoryBudget = size_t{56} << 20;  // as for the metadata of a GGUF file, which this becomes
constexpr uint64_t kUnigram = 1, kBpe = 2;

class ModelReader {
 public:
  ModelReader(const std::string& source, Metadata& metadata) : source_(source), metadata_(metadata) {}

  void read(std::string_view bytes) {
    reserve(bytes);
    ProtobufReader model(bytes, source_);
    while (const auto field = model.next()) {
      const size_t begin = model.offset() - field->bytes.size();
      if (field->number > 3) continue;  // self-test data and what later versions add
      if (field->wire_type != 2) throw FormatError("{}: field {} is not a message", source_, field->number);
      ProtobufReader inner(field->bytes, source_, begin);
      if (field->number == 1) read_piece(inner);
      if (field->number == 2) read_trainer(inner);
      if (field->number == 3) read_normalizer(inner);
    }
    if (tokens_.empty()) throw FormatError("{}: has no pieces; is it a SentencePiece model?", source_);
    if (kind_ != kUnigram && kind_ != kBpe) {
      throw UnsupportedError("{}: its 'model_type' is {}, this build knows 1 (unigram) and 2 (BPE)", source_, kind_);
    }
    if (spaces_behind_) {
      throw UnsupportedError("{}: its 'treat_whitespace_as_suffix' is true, this build knows false", source_);
    }
    set_keys();
  }

 private:
  // Pieces are counted first, so that their number is refused before it takes memory.
  void reserve(std::string_view bytes) {
    size_t count = 0;
    for (ProtobufReader model(bytes, source_); const auto field = model.next();) {
      if (field->number != 1) continue;
      ++count;
      spend(sizeof(std::string) + sizeof(double) + sizeof(int64_t));
    }
    tokens_.reserve(count);
    scores_.reserve(count);
    types_.reserve(count);
  }

  void spend(size_t bytes) {
    spent_ += bytes;
    if (spent_ > kMemoryBudget) {
      throw FormatError("{}: its pieces take more than the {} MiB of memory that a vocabulary may", source_,
                        kMemoryBudget >> 20);
    }
  }

  void read_piece(ProtobufReader piece) {
    std::string text;
    double score = 0;
    uint64_t type = ggml::kNormal;
    while (const auto field = piece.next()) {
      if (field->number == 1) text = field->bytes;
      if (field->number == 2) score = field->as_float();
      if (field->number == 3) type = field->value;
    }
    if (text.empty() || find_invalid_utf8(text) || !std::isfinite(score) || type < 1 || type > 6) {
      throw FormatError("{}: piece {} has {} bytes of text, score {} and type {}, expected UTF-8, a number and 1 to 6",
                        source_, tokens_.size(), text.size(), score, type);
    }
    if (text.size() >= sizeof(std::string) / 2) spend(text.size() + 16);  // plus the allocator's header
    tokens_.push_back(std::move(text));
    scores_.push_back(score);
    types_.push_back(static_cast<int64_t>(type));
  }

  void read_trainer(ProtobufReader trainer) {
    while (const auto field = trainer.next()) {
      // Ids are int32 in 64 bits; -1 is none.
      const auto id = static_cast<int64_t>(field->value);
      if (field->number == 3) kind_ = field->value;
      if (field->number == 24) spaces_behind_ = field->value != 0;
      if (field->number == 40) unknown_ = id;
      if (field->number == 41) bos_ = id;
      if (field->number == 42) eos_ = id;
      if (field->number == 43) padding_ = id;
    }
  }

  void read_normalizer(ProtobufReader normalizer) {
    while (const auto field = normalizer.next()) {
      if (field->number == 2) chars_map_ = field->bytes;
      if (field->number == 3) space_prefix_ = field->value != 0;
      if (field->number == 4) single_spaces_ = field->value != 0;
      if (field->number == 5 && field->value == 0) {
        throw UnsupportedError("{}: its 'escape_whitespaces' is false, this build knows true", source_);
      }
    }
  }

  void set_id(const char* name, int64_t id) {
    if (id == -1) return;
    if (id < 0 || id >= static_cast<int64_t>(tokens_.size())) {
      throw FormatError("{}: its '{}' token is {}, but it has {} pieces", source_, name, id, tokens_.size());
    }
    metadata_.set(fmt::format("tokenizer.ggml.{}_token_id", name), id);
  }

  void set_keys() {
    set_id("unknown", unknown_);
    set_id("bos", bos_);
    set_id("eos", eos_);
    set_id("padding", padding_);
    metadata_.set(ggml::kModel, std::string(kind_ == kBpe ? "llama" : "t5"));
    metadata_.set(ggml::kPre, std::string("default"));
    metadata_.set(ggml::kTokens, std::move(tokens_));
    metadata_.set(ggml::kTokenType, std::move(types_));
    metadata_.set(ggml::kScores, std::move(scores_));
    metadata_.set(ggml::kAddSpacePrefix, space_prefix_);
    metadata_.set(ggml::kRemoveExtraWhitespaces, single_spaces_);
    if (chars_map_.empty()) return;
    std::vector<int64_t> table;
    spend(chars_map_.size() * sizeof(int64_t));
    table.reserve(chars_map_.size());
    for (const char byte : chars_map_) table.push_back(static_cast<uint8_t>(byte));
    metadata_.set(ggml::kCharsMap, std::move(table));
  }

  const std::string& source_;
  Metadata& metadata_;
  size_t spent_ = 0;
  std::vector<std::string> tokens_;
  std::vector<double> scores_;
  std::vector<int64_t> types_;
  uint64_t kind_ = kUnigram;
  int64_t unknown_ = 0, bos_ = 1, eos_ = 2, padding_ = -1;
  bool spaces_behind_ = false, space_prefix_ = true, single_spaces_ = true;
  std::string_view chars_map_;
};

}  // namespace

void read_sentencepiece_model(std::string_view bytes, const std::string& source, Metadata& metadata) {
  ModelReader(source, metadata).read(bytes);
}

void read_sentencepiece_model(const std::filesystem::path& path, Metadata& metadata) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() > kMaxFileBytes) {
    throw FormatError("{}: {} bytes long, expected at most {}", path.string(), bytes.size(), kMaxFileBytes);
  }
  read_sentencepiece_model({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(), metadata);
}

}  // namespace bantam
