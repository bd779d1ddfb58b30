// Text to token ids and back, for the vocabularies found in GGUF files. Used by the engine, training and the tools.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/metadata.h"
#include "text/added_tokens.h"
#include "text/merge.h"
#include "text/normalizer.h"
#include "text/pattern.h"
#include "text/pre_tokenizer.h"
#include "text/text_ids.h"
#include "text/unigram.h"

namespace bantam {

// As numbered in `tokenizer.ggml.token_type`.
enum class TokenType : uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

struct EncodeOptions {
  bool add_bos = false;        // put bos() first, if the vocabulary has one
  bool add_eos = false;        // put eos() last, if the vocabulary has one
  bool parse_special = false;  // take the text of control tokens for the tokens; never set it on text of a user
};

struct DecodeOptions {
  bool keep_control = false;  // write control tokens as their text instead of leaving them out
};

// Immutable after construction: threads may share one.
class Tokenizer {
 public:
  // Reads the `tokenizer.ggml.*` keys of a GGUF file; `bantam.tokenizer.normalize` is what Normalizer does to text
  // before it is encoded, one name of a step or a list. A pre-tokenizer that is missing or not known is taken for the
  // oldest one, and warning() says so. Throws FormatError naming the key that is missing or wrong, UnsupportedError
  // with the list of known values for a model or a step that is not known.
  static Tokenizer from_metadata(const Metadata& metadata);
  // The keys from_metadata() reads.
  void to_metadata(Metadata& metadata) const;

  Tokenizer(Tokenizer&&) = default;
  Tokenizer& operator=(Tokenizer&&) = default;

  // Any bytes are accepted; those that are not UTF-8 become byte tokens. User-defined tokens are always matched.
  std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const;
  // As encode(), for text that a template and others wrote together: control tokens are taken from their text where all
  // of it lies in `trusted`, byte ranges [begin, end) in ascending order, and nowhere else.
  std::vector<int32_t> encode_marked(std::string_view text, std::span<const std::pair<size_t, size_t>> trusted) const;
  // The bytes encode() was given, as it normalised them (SentencePiece: U+2581 comes back as a space). May end inside a
  // character: for text that grows token by token use StreamDecoder. Throws UsageError for an id outside the
  // vocabulary.
  std::string decode(std::span<const int32_t> ids, DecodeOptions options = {}) const;

  // The bytes one token stands for; of a control token its text. Valid as long as the tokenizer.
  std::string_view piece(int32_t id) const;
  // What `id` adds to decoded text after `previous` (-1: at its beginning): nothing for control tokens, and the space
  // that encode() puts before text is taken away again.
  std::string_view piece_after(int32_t previous, int32_t id, DecodeOptions options = {}) const;
  // By the text the vocabulary gives it, such as "<|im_end|>".
  std::optional<int32_t> find(std::string_view token_text) const;

  // What a user of this vocabulary should know; empty when all is well.
  const std::string& warning() const { return warning_; }

  int32_t vocab_size() const { return static_cast<int32_t>(tokens_.size()); }
  std::optional<int32_t> bos() const { return special_.bos; }
  std::optional<int32_t> eos() const { return special_.eos; }
  std::optional<int32_t> padding() const { return special_.padding; }
  // What the vocabulary asks of a prompt.
  bool wants_bos() const { return wants_bos_ && special_.bos; }
  bool wants_eos() const { return wants_eos_ && special_.eos; }
  TokenType type(int32_t id) const;
  bool is_control(int32_t id) const { return type(id) == TokenType::control; }
  bool is_end_of_generation(int32_t id) const;

 private:
  enum class Model : uint8_t { byte_bpe, sentencepiece_bpe, sentencepiece_unigram };
  struct SpecialIds {
    std::optional<int32_t> bos, eos, unknown, padding, end_of_turn, end_of_message;
  };

  Tokenizer() = default;

  // tokenizer_metadata.cpp
  void load_tokens(const Metadata& metadata);
  void load_special_ids(const Metadata& metadata);
  void load_normalizer(const Metadata& metadata);
  void load_byte_bpe(const Metadata& metadata);
  void load_merges(const Metadata& metadata, const TextIds& ids);
  void load_pre_tokenizer(const Metadata& metadata);
  void load_sentencepiece(const Metadata& metadata);
  void load_sentencepiece_bytes(const Metadata& metadata);
  void load_sentencepiece_merges(const std::string& source);
  void load_unigram();
  void load_added_tokens(const Metadata& metadata);
  void load_pieces();
  bool is_from_text(int32_t id) const;
  TextIds ids_of_text() const;
  std::string piece_of(int32_t id) const;

  // tokenizer.cpp
  void encode_between(std::string_view text, Merger& merger, std::vector<int32_t>& ids) const;
  void encode_byte_bpe(std::string_view text, Merger& merger, std::vector<int32_t>& ids) const;
  void encode_sentencepiece(std::string_view text, Merger& merger, std::vector<int32_t>& ids) const;
  void append_sentencepiece_symbols(std::string_view text, std::span<const Symbol> word,
                                    std::vector<int32_t>& ids) const;
  std::optional<int32_t> whole_word(std::string_view word) const;
  size_t checked(int32_t id) const;

  Model model_ = Model::byte_bpe;
  std::string pre_name_, warning_;
  PreTokenizer pre_ = PreTokenizer::gpt2;
  std::vector<Pattern> word_patterns_;  // in its place, where the vocabulary has expressions of its own
  std::vector<std::string> tokens_;     // as the file writes them
  std::vector<TokenType> types_;
  std::vector<double> scores_;       // SentencePiece only
  TextIds ids_;                      // of all tokens_
  bool texts_repeat_ = false;        // some tokens share a text
  std::string piece_bytes_;          // all pieces, one after the other
  std::vector<size_t> piece_begin_;  // [vocab_size + 1]
  AddedTokens added_;
  std::vector<int64_t> lstrip_ids_, rstrip_ids_, single_word_ids_;  // added tokens with these habits
  MergeTable merges_;
  Unigram unigram_;
  std::vector<int64_t> chars_map_bytes_;  // SentencePiece only, as the file has them
  std::vector<std::string> normal_steps_;
  Normalizer normalizer_;                // of what lies between added tokens
  std::array<int32_t, 256> byte_ids_{};  // -1 where the vocabulary has no token for a byte
  bool lacks_bytes_ = false;
  std::unordered_map<char32_t, int32_t> char_symbols_;  // SentencePiece: characters that are tokens or parts of tokens
  bool spaces_only_lead_ = false;  // SentencePiece: a space is never inside or at the end of a token
  SpecialIds special_;
  std::vector<int32_t> end_ids_;
  bool wants_bos_ = false, wants_eos_ = false;
  bool add_space_prefix_ = false, remove_extra_whitespaces_ = false;
  bool space_prefix_once_ = false;  // not before text that begins with a space
  bool whole_words_first_ = false;  // a word that is a token is not merged from bytes (Llama 3)
};

}  // namespace bantam
