// Tokenizer from GGUF metadata, and back.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <future>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/page_buffer.h"
#include "base/utf8.h"
#include "text/byte_alphabet.h"
#include "text/call_marks.h"
#include "text/tokenizer.h"

namespace bantam {
namespace {

constexpr size_t kLongestTokenBytes = 1024;
constexpr size_t kLongestPieceBytes = 256;  // of a unigram vocabulary; SentencePiece makes at most 16 characters
constexpr int64_t kLargestVocabulary = int64_t{1} << 24;
// Far more than published vocabularies have: what finds added tokens takes up to 80 bytes for each of theirs, and every
// SentencePiece token is looked at as often as it has characters.
constexpr size_t kMostAddedBytes = size_t{1} << 18;
constexpr size_t kMostCharsMapBytes = size_t{1} << 20;  // SentencePiece's largest has 240,000
constexpr size_t kMostCutBytes = size_t{1} << 27;

// Ours: GGUF has no place for them.
constexpr const char* kNormalize = "bantam.tokenizer.normalize";
constexpr const char* kSpacePrefixOnce = "bantam.tokenizer.space_prefix_once";
constexpr const char* kLstripIds = "bantam.tokenizer.lstrip_token_ids";
constexpr const char* kRstripIds = "bantam.tokenizer.rstrip_token_ids";
constexpr const char* kWordPatterns = "bantam.tokenizer.word_patterns";
constexpr const char* kWholeWordsFirst = "bantam.tokenizer.whole_words_first";
constexpr const char* kSingleWordIds = "bantam.tokenizer.single_word_token_ids";

// GGUF cannot say that Phi-3's added tokens, but for these, take the spaces after them. llama.cpp goes by the name.
constexpr std::string_view kPhi3Plain[] = {"<unk>", "<s>", "<|endoftext|>"};

bool names_phi3(const Metadata& metadata) {
  std::string name = metadata.string_or("general.name", "");
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name.find("phi3") != name.npos || name.find("phi-3") != name.npos;
}

// Tokens that end a turn in published models whose metadata does not say so.
constexpr std::string_view kEndNames[] = {"<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>",
                                          "<|end|>",       "<end_of_turn>",   "<EOT>",      "</s>"};

// Ids are kept in 32 bits by writers that mean "none" with -1.
std::optional<int32_t> optional_id(const Metadata& metadata, std::string_view name, size_t vocab_size) {
  const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
  const int64_t id = metadata.integer_or(key, -1, -1, UINT32_MAX);
  if (id == -1 || id == UINT32_MAX) return std::nullopt;
  if (id >= static_cast<int64_t>(vocab_size)) {
    throw FormatError("{}: '{}' is {}, but the vocabulary has {} tokens", metadata.source(), key, id, vocab_size);
  }
  return static_cast<int32_t>(id);
}

// "<0x0A>" -> 10
std::optional<uint8_t> parse_byte_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  uint8_t byte = 0;
  const auto [end, error] = std::from_chars(&text[3], &text[5], byte, 16);
  if (error != std::errc() || end != &text[5]) return std::nullopt;
  return byte;
}

// Position of each score among the distinct scores, highest first.
std::vector<uint32_t> ranks_of(const std::vector<double>& scores) {
  std::vector<double> distinct = scores;
  std::ranges::sort(distinct, std::greater<>());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<uint32_t> ranks;
  ranks.reserve(scores.size());
  for (const double score : scores) {
    const auto found = std::ranges::lower_bound(distinct, score, std::greater<>());
    ranks.push_back(static_cast<uint32_t>(found - distinct.begin()));
  }
  return ranks;
}

// Of a table that GGUF keeps as an array of small integers.
std::string bytes_of(const std::vector<int64_t>& numbers) {
  std::string bytes;
  for (const int64_t number : numbers) bytes.push_back(static_cast<char>(number));
  return bytes;
}

std::string with_spaces(std::string_view text) {
  static constexpr std::string_view kSpaceSymbol = "\u2581";
  std::string out;
  while (!text.empty()) {
    const bool space = text.starts_with(kSpaceSymbol);
    out.push_back(space ? ' ' : text[0]);
    text.remove_prefix(space ? kSpaceSymbol.size() : 1);
  }
  return out;
}

// Left and right of a line "left right"; of one without a space, itself and nothing.
std::pair<std::string_view, std::string_view> halves_of(std::string_view line) {
  const size_t space = line.find(' ', 1);
  return {line.substr(0, space), space == line.npos ? "" : line.substr(space + 1)};
}

// Ids of what a merge joins and of what it makes; -1 where there is no such token.
struct MergeIds {
  int32_t left, right, both;
};

// Looks many up at a time, for most of it is waiting for memory.
void find_merge_ids(std::span<const std::string> lines, std::span<const std::string> tokens, const TextIds& ids,
                    MergeIds* found) {
  constexpr size_t kTogether = 64;
  std::array<std::string, kTogether> joined;
  std::array<std::string_view, 3 * kTogether> texts;  // of each merge: left, right, both
  std::array<int32_t, 3 * kTogether> some;
  for (size_t first = 0; first < lines.size(); first += kTogether) {
    const size_t count = std::min(kTogether, lines.size() - first);
    for (size_t i = 0; i < count; ++i) {
      const auto [left, right] = halves_of(lines[first + i]);
      joined[i].assign(left).append(right);
      std::ranges::copy(std::array{left, right, std::string_view(joined[i])}, texts.begin() + 3 * i);
    }
    ids.find_each(tokens, std::span(texts).first(3 * count), some.data());
    for (size_t i = 0; i < count; ++i) found[first + i] = {some[3 * i], some[3 * i + 1], some[3 * i + 2]};
  }
}

}  // namespace

Tokenizer Tokenizer::from_metadata(const Metadata& metadata) {
  Tokenizer t;
  const std::string& model = metadata.string("tokenizer.ggml.model");
  if (model == "gpt2") {
    t.model_ = Model::byte_bpe;
  } else if (model == "llama") {
    t.model_ = Model::sentencepiece_bpe;
  } else if (model == "t5") {
    t.model_ = Model::sentencepiece_unigram;
  } else {
    throw UnsupportedError(
        "{}: 'tokenizer.ggml.model' is '{}', this build knows gpt2 (byte-level BPE), llama (SentencePiece BPE) and t5 "
        "(SentencePiece unigram)",
        metadata.source(), model);
  }
  t.load_tokens(metadata);
  t.load_special_ids(metadata);
  t.load_normalizer(metadata);
  t.load_added_tokens(metadata);
  if (t.model_ == Model::byte_bpe) {
    auto pieces = std::async(std::launch::async, [&] { t.load_pieces(); });
    t.load_byte_bpe(metadata);
    pieces.get();
  } else {
    t.load_sentencepiece(metadata);
    t.load_pieces();
  }
  return t;
}

void Tokenizer::load_normalizer(const Metadata& metadata) {
  chars_map_bytes_ = metadata.integers_or_empty("tokenizer.ggml.precompiled_charsmap");
  if (chars_map_bytes_.size() > kMostCharsMapBytes) {
    throw FormatError("{}: the table of characters has {} bytes, expected at most {}", metadata.source(),
                      chars_map_bytes_.size(), kMostCharsMapBytes);
  }
  const MetaValue* value = metadata.find(kNormalize);
  if (value && std::holds_alternative<std::vector<std::string>>(*value)) {
    normal_steps_ = std::get<std::vector<std::string>>(*value);
  } else if (const std::string one = metadata.string_or(kNormalize, "none"); one != "none") {
    normal_steps_ = {one};
  }
  normalizer_ = Normalizer(normal_steps_, CharsMap(bytes_of(chars_map_bytes_), metadata.source()), metadata.source());
}

void Tokenizer::load_tokens(const Metadata& metadata) {
  const std::vector<std::string>& tokens = metadata.strings("tokenizer.ggml.tokens");
  reserve_large(tokens_, tokens.size());
  tokens_.assign(tokens.begin(), tokens.end());
  if (tokens_.empty() || static_cast<int64_t>(tokens_.size()) > kLargestVocabulary) {
    throw FormatError("{}: 'tokenizer.ggml.tokens' has {} entries, expected 1 to {}", metadata.source(), tokens_.size(),
                      kLargestVocabulary);
  }
  const std::vector<int64_t> types = metadata.integers_or_empty("tokenizer.ggml.token_type");
  if (!types.empty() && types.size() != tokens_.size()) {
    throw FormatError("{}: 'tokenizer.ggml.token_type' has {} entries, expected one for each of {} tokens",
                      metadata.source(), types.size(), tokens_.size());
  }
  types_.assign(tokens_.size(), TokenType::normal);
  const size_t longest = model_ == Model::sentencepiece_unigram ? kLongestPieceBytes : kLongestTokenBytes;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].size() > longest) {
      throw FormatError("{}: 'tokenizer.ggml.tokens' entry {} has {} bytes, expected at most {}", metadata.source(), i,
                        tokens_[i].size(), longest);
    }
    if (!types.empty()) {
      if (types[i] < 1 || types[i] > 6) {
        throw FormatError("{}: 'tokenizer.ggml.token_type' entry {} is {}, expected 1 to 6", metadata.source(), i,
                          types[i]);
      }
      types_[i] = static_cast<TokenType>(types[i]);
    }
  }
  ids_ = TextIds(tokens_.size());
  for (int32_t id = 0; id < vocab_size(); ++id) texts_repeat_ |= !ids_.set(tokens_, id);
}

void Tokenizer::load_special_ids(const Metadata& metadata) {
  const auto id = [&](std::string_view name) { return optional_id(metadata, name, tokens_.size()); };
  special_ = {id("bos"), id("eos"), id("unknown"), id("padding"), id("eot"), id("eom")};
  if (model_ == Model::sentencepiece_unigram) {  // those of T5, where the file does not say
    const auto settle = [&](std::optional<int32_t>& special, std::string_view name, int32_t usual) {
      const bool says = metadata.has(fmt::format("tokenizer.ggml.{}_token_id", name));
      if (!says && usual < vocab_size()) special = usual;
    };
    settle(special_.eos, "eos", 1);
    settle(special_.unknown, "unknown", 2);
    settle(special_.padding, "padding", 0);
  }
  // A text of the user must not contain these, even where a vocabulary calls them user-defined.
  const auto make_control = [&](int32_t i) {
    TokenType& kind = types_[static_cast<size_t>(i)];
    if (kind == TokenType::user_defined) kind = TokenType::control;
  };
  for (const auto& end : {special_.eos, special_.end_of_turn, special_.end_of_message}) {
    if (!end) continue;
    make_control(*end);
    end_ids_.push_back(*end);
  }
  for (const std::string_view name : kEndNames) {
    const auto found = find(name);
    if (!found) continue;
    make_control(*found);
    if (is_control(*found)) end_ids_.push_back(*found);
  }
  if (special_.bos) make_control(*special_.bos);
  if (const auto start = find("<|im_start|>")) make_control(*start);
  // Parts of an answer, even where a vocabulary calls them control: Qwen's are user-defined.
  for (const std::string_view mark : {kCallBegin, kCallEnd}) {
    const auto found = find(mark);
    if (found && is_control(*found)) types_[static_cast<size_t>(*found)] = TokenType::user_defined;
  }
  wants_eos_ = metadata.flag_or("tokenizer.ggml.add_eos_token", model_ == Model::sentencepiece_unigram);
}

// Whether text without added tokens can turn into it.
bool Tokenizer::is_from_text(int32_t id) const {
  const TokenType kind = types_[static_cast<size_t>(id)];
  return kind == TokenType::normal || kind == TokenType::unused || kind == TokenType::user_defined;
}

// The tokens that text can turn into. Where two share a text the later one counts.
TextIds Tokenizer::ids_of_text() const {
  TextIds ids(tokens_.size());
  for (int32_t id = 0; id < vocab_size(); ++id) {
    if (is_from_text(id)) ids.set(tokens_, id);
  }
  return ids;
}

// Lines "left right", of a vocabulary whose tokens' texts `ids` knows.
void Tokenizer::load_merges(const Metadata& metadata, const TextIds& ids) {
  const std::vector<std::string>& lines = metadata.strings("tokenizer.ggml.merges");
  std::vector<MergeIds> found;
  reserve_large(found, lines.size());
  found.resize(lines.size());
  const auto find_some = [&](size_t begin, size_t end) {
    find_merge_ids(std::span(lines).subspan(begin, end - begin), tokens_, ids, found.data() + begin);
  };
  auto second_half = std::async(std::launch::async, find_some, lines.size() / 2, lines.size());
  find_some(0, lines.size() / 2);
  second_half.get();
  merges_ = MergeTable(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto [left, right, both] = found[i];
    const bool whole = lines[i].find(' ', 1) != std::string::npos;
    if (!whole ||
        !std::ranges::all_of(std::array{left, right, both}, [&](int32_t id) { return id >= 0 && is_from_text(id); })) {
      throw FormatError(
          "{}: 'tokenizer.ggml.merges' entry {} is '{}', expected two tokens with a space between them "
          "that together are a token",
          metadata.source(), i, lines[i]);
    }
    merges_.insert(left, right, {static_cast<uint32_t>(i), both});
  }
}

void Tokenizer::load_pre_tokenizer(const Metadata& metadata) {
  pre_name_ = metadata.string_or("tokenizer.ggml.pre", "");
  if (metadata.has(kWordPatterns)) {
    try {
      for (const std::string& expression : metadata.strings(kWordPatterns)) word_patterns_.emplace_back(expression);
    } catch (const UnsupportedError& error) {
      throw UnsupportedError("{}: {}", metadata.source(), error.what());
    }
    whole_words_first_ = metadata.flag_or(kWholeWordsFirst, false);
    wants_bos_ = metadata.flag_or("tokenizer.ggml.add_bos_token", false);
    warning_ =
        fmt::format("{}: cuts text into words by regular expressions of its own, which is slower", metadata.source());
    return;
  }
  const auto named = find_pre_tokenizer(pre_name_);
  if (!named) {
    warning_ = fmt::format(
        "{}: {}, so words are cut as old files expect; what the model writes may be worse for it", metadata.source(),
        pre_name_.empty() ? "does not say how text is cut into words ('tokenizer.ggml.pre')"
                          : fmt::format("'tokenizer.ggml.pre' is '{}', which this build does not know", pre_name_));
  }
  const NamedPreTokenizer pre = named.value_or(NamedPreTokenizer{"default", PreTokenizer::fallback});
  pre_ = pre.kind;
  whole_words_first_ = pre.whole_words_first;
  wants_bos_ = metadata.flag_or("tokenizer.ggml.add_bos_token", pre.adds_bos);
}

void Tokenizer::load_byte_bpe(const Metadata& metadata) {
  load_pre_tokenizer(metadata);
  // Where all texts differ, one table serves for everything.
  const TextIds of_text = texts_repeat_ ? ids_of_text() : TextIds();
  const TextIds& ids = texts_repeat_ ? of_text : ids_;
  load_merges(metadata, ids);
  for (unsigned b = 0; b < 256; ++b) {
    std::string text;
    append_utf8(text, byte_to_char(static_cast<uint8_t>(b)));
    const int32_t id = ids.find(tokens_, text);
    const int32_t found = id >= 0 && is_from_text(id) ? id : -1;
    // A user-defined token of the same spelling stands for that character, not for the byte.
    const bool is_byte = found >= 0 && types_[static_cast<size_t>(found)] != TokenType::user_defined;
    byte_ids_[b] = is_byte ? found : -1;
    lacks_bytes_ |= !is_byte;
  }
  // Bytes without a token become U+FFFD, which must then exist: EF BF BD.
  for (const unsigned b : {0xEFu, 0xBFu, 0xBDu}) {
    if (byte_ids_[b] < 0) {
      throw FormatError("{}: 'tokenizer.ggml.tokens' has no token for the byte 0x{:02X}; byte-level BPE needs one",
                        metadata.source(), b);
    }
  }
}

void Tokenizer::load_sentencepiece(const Metadata& metadata) {
  pre_name_ = metadata.string_or("tokenizer.ggml.pre", "default");
  const bool bpe = model_ == Model::sentencepiece_bpe;
  wants_bos_ = metadata.flag_or("tokenizer.ggml.add_bos_token", bpe);
  add_space_prefix_ = metadata.flag_or("tokenizer.ggml.add_space_prefix", bpe);
  remove_extra_whitespaces_ = metadata.flag_or("tokenizer.ggml.remove_extra_whitespaces", false);
  space_prefix_once_ = metadata.flag_or(kSpacePrefixOnce, false);
  scores_ = metadata.numbers_or_empty("tokenizer.ggml.scores");
  if (scores_.size() != tokens_.size()) {
    throw FormatError("{}: 'tokenizer.ggml.scores' has {} entries, expected one for each of {} tokens",
                      metadata.source(), scores_.size(), tokens_.size());
  }
  const auto odd = std::ranges::find_if(scores_, [](double s) { return !std::isfinite(s); });
  if (odd != scores_.end()) {
    throw FormatError("{}: 'tokenizer.ggml.scores' entry {} is {}, expected a finite number", metadata.source(),
                      odd - scores_.begin(), *odd);
  }
  load_sentencepiece_bytes(metadata);
  if (bpe) {
    load_sentencepiece_merges(metadata.source());
  } else {
    load_unigram();
  }
}

void Tokenizer::load_sentencepiece_bytes(const Metadata& metadata) {
  byte_ids_.fill(-1);
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (types_[i] != TokenType::byte) continue;
    const auto byte = parse_byte_token(tokens_[i]);
    if (!byte) {
      throw FormatError("{}: token {} is of type byte, but its text is '{}', expected <0x00> to <0xFF>",
                        metadata.source(), i, tokens_[i]);
    }
    byte_ids_[*byte] = static_cast<int32_t>(i);
  }
  const auto missing = std::ranges::find(byte_ids_, -1);
  if (missing != byte_ids_.end() && !special_.unknown) {
    throw FormatError("{}: the vocabulary has no token for the byte 0x{:02X} and no 'tokenizer.ggml.unknown_token_id'",
                      metadata.source(), missing - byte_ids_.begin());
  }
}

// A character without a piece costs more than any piece, as in SentencePiece.
void Tokenizer::load_unigram() {
  static constexpr double kUnknownPenalty = 10;
  size_t bytes = 0;
  double lowest = 0;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    bytes += tokens_[i].size();
    if (types_[i] == TokenType::normal) lowest = std::min(lowest, scores_[i]);
  }
  unigram_ = Unigram(bytes);
  unigram_.set_unknown_score(lowest - kUnknownPenalty);
  ids_of_text().for_each([&](int32_t id) {
    const auto i = static_cast<size_t>(id);
    if (!tokens_[i].empty()) unigram_.add(tokens_[i], id, types_[i] == TokenType::user_defined ? 0 : scores_[i]);
  });
}

// SentencePiece joins any two neighbours whose texts together are a token, the best score first. Every way to cut a
// token in two parts that are tokens or single characters is such a pair; characters that are no tokens get symbol
// ids past the vocabulary.
void Tokenizer::load_sentencepiece_merges(const std::string& source) {
  const TextIds ids = ids_of_text();
  const std::vector<uint32_t> ranks = ranks_of(scores_);
  size_t cuts = 0, cut_bytes = 0;
  int32_t next_symbol = vocab_size();
  spaces_only_lead_ = true;
  ids.for_each([&](int32_t id) {
    const std::string_view text = tokens_[static_cast<size_t>(id)];
    cut_bytes += text.size() * text.size();
    bool only_spaces = true;
    for (size_t at = 0; at < text.size();) {
      const auto next = decode_utf8(text.substr(at)).value_or(CodePoint{0, 1});
      const bool space = next.value == 0x2581;
      spaces_only_lead_ &= only_spaces || !space;
      only_spaces &= space;
      char_symbols_.try_emplace(next.value, -1);
      at += static_cast<size_t>(next.bytes);
      ++cuts;
    }
  });
  if (cut_bytes > kMostCutBytes) {
    throw FormatError(
        "{}: 'tokenizer.ggml.tokens' has too many long pieces: the squares of their lengths sum to {}, expected at "
        "most {}",
        source, cut_bytes, kMostCutBytes);
  }
  for (auto& [code_point, symbol] : char_symbols_) {
    std::string text;
    append_utf8(text, code_point);
    const int32_t found = ids.find(tokens_, text);
    symbol = found >= 0 ? found : next_symbol++;
  }
  const auto symbol_of = [&](std::string_view text) {
    if (const int32_t found = ids.find(tokens_, text); found >= 0) return found;
    const auto single = decode_utf8(text);
    const bool is_char = single && static_cast<size_t>(single->bytes) == text.size();
    return is_char ? char_symbols_.at(single->value) : -1;
  };
  merges_ = MergeTable(cuts);
  ids.for_each([&](int32_t id) {
    const std::string_view text = tokens_[static_cast<size_t>(id)];
    for (size_t at = 0; at < text.size();) {
      const auto next = decode_utf8(text.substr(at));
      if (!next) break;
      at += static_cast<size_t>(next->bytes);
      if (at == text.size()) break;
      const int32_t left = symbol_of(text.substr(0, at)), right = symbol_of(text.substr(at));
      if (left >= 0 && right >= 0) merges_.insert(left, right, {ranks[static_cast<size_t>(id)], id});
    }
  });
}

void Tokenizer::load_added_tokens(const Metadata& metadata) {
  std::unordered_map<int64_t, AddedToken> added;  // by id: those with habits, then all
  const auto mark = [&](const char* key, std::vector<int64_t>& ids, bool AddedToken::*habit) {
    ids = metadata.integers_or_empty(key);
    for (const int64_t id : ids) {
      if (id < 0 || id >= vocab_size()) {
        throw FormatError("{}: '{}' names token {}, but the vocabulary has {}", metadata.source(), key, id,
                          vocab_size());
      }
      added[id].*habit = true;
    }
  };
  mark(kLstripIds, lstrip_ids_, &AddedToken::lstrip);
  mark(kRstripIds, rstrip_ids_, &AddedToken::rstrip);
  mark(kSingleWordIds, single_word_ids_, &AddedToken::single_word);
  size_t added_bytes = 0;
  std::vector<int32_t> added_ids;
  const bool is_phi3 = rstrip_ids_.empty() && names_phi3(metadata);
  for (int32_t id = 0; id < vocab_size(); ++id) {
    const TokenType kind = type(id);
    const bool is_control = kind == TokenType::control || kind == TokenType::unknown;
    const std::string& text = tokens_[static_cast<size_t>(id)];
    if (text.empty() || !(is_control || kind == TokenType::user_defined)) continue;
    AddedToken& token = added[id];
    token.id = id;
    token.is_control = is_control;
    if (is_phi3 && std::ranges::find(kPhi3Plain, text) == std::end(kPhi3Plain)) {
      token.rstrip = true;
      rstrip_ids_.push_back(id);
    }
    added_ids.push_back(id);
    added_bytes += text.size();
    if (added_bytes > kMostAddedBytes) {
      throw FormatError("{}: the control and user-defined tokens of 'tokenizer.ggml.tokens' have more than {} bytes",
                        metadata.source(), kMostAddedBytes);
    }
  }
  added_ = AddedTokens(added_bytes);
  for (const auto id : added_ids) {
    added_.add(tokens_[static_cast<size_t>(id)], added.at(id));
  }
}

std::string Tokenizer::piece_of(int32_t id) const {
  const std::string& text = tokens_[static_cast<size_t>(id)];
  const TokenType kind = type(id);
  if (kind == TokenType::byte && model_ != Model::byte_bpe) {
    return std::string(1, static_cast<char>(*parse_byte_token(text)));
  }
  if (kind != TokenType::normal && kind != TokenType::unused) return text;
  return model_ == Model::byte_bpe ? from_byte_alphabet(text) : with_spaces(text);
}

void Tokenizer::load_pieces() {
  piece_begin_.reserve(tokens_.size() + 1);
  piece_bytes_.reserve(std::accumulate(tokens_.begin(), tokens_.end(), size_t{0},
                                       [](size_t sum, const std::string& text) { return sum + text.size(); }));
  piece_begin_.push_back(0);
  for (int32_t id = 0; id < vocab_size(); ++id) {
    piece_bytes_ += piece_of(id);
    piece_begin_.push_back(piece_bytes_.size());
  }
}

void Tokenizer::to_metadata(Metadata& metadata) const {
  const auto set = [&](std::string_view name, MetaValue value) {
    metadata.set(fmt::format("tokenizer.ggml.{}", name), std::move(value));
  };
  const bool unigram = model_ == Model::sentencepiece_unigram;
  set("model", std::string(model_ == Model::byte_bpe ? "gpt2" : unigram ? "t5" : "llama"));
  if (!pre_name_.empty()) set("pre", pre_name_);
  set("tokens", tokens_);
  std::vector<int64_t> types;
  for (const TokenType kind : types_) types.push_back(static_cast<int64_t>(kind));
  set("token_type", std::move(types));
  if (model_ == Model::byte_bpe) {
    std::vector<std::pair<uint32_t, std::string>> lines;
    merges_.for_each([&](int32_t left, int32_t right, Merge merge) {
      lines.emplace_back(merge.rank, tokens_[static_cast<size_t>(left)] + " " + tokens_[static_cast<size_t>(right)]);
    });
    std::ranges::sort(lines);
    std::vector<std::string> merges;
    for (auto& line : lines) merges.push_back(std::move(line.second));
    set("merges", std::move(merges));
  } else {
    set("scores", scores_);
    set("add_space_prefix", add_space_prefix_);
    set("remove_extra_whitespaces", remove_extra_whitespaces_);
  }
  if (!chars_map_bytes_.empty()) set("precompiled_charsmap", chars_map_bytes_);
  const auto set_id = [&](std::string_view name, std::optional<int32_t> id) {
    if (id) set(fmt::format("{}_token_id", name), int64_t{*id});
  };
  set_id("bos", special_.bos);
  set_id("eos", special_.eos);
  set_id("unknown", special_.unknown);
  set_id("padding", special_.padding);
  set_id("eot", special_.end_of_turn);
  set_id("eom", special_.end_of_message);
  set("add_bos_token", wants_bos_);
  set("add_eos_token", wants_eos_);
  if (normal_steps_.size() == 1) metadata.set(kNormalize, normal_steps_[0]);
  if (normal_steps_.size() > 1) metadata.set(kNormalize, normal_steps_);
  if (space_prefix_once_) metadata.set(kSpacePrefixOnce, true);
  if (!word_patterns_.empty()) {
    std::vector<std::string> expressions;
    for (const Pattern& pattern : word_patterns_) expressions.push_back(pattern.expression());
    metadata.set(kWordPatterns, std::move(expressions));
    metadata.set(kWholeWordsFirst, whole_words_first_);
  }
  if (!lstrip_ids_.empty()) metadata.set(kLstripIds, lstrip_ids_);
  if (!rstrip_ids_.empty()) metadata.set(kRstripIds, rstrip_ids_);
  if (!single_word_ids_.empty()) metadata.set(kSingleWordIds, single_word_ids_);
}

}  // namespace bantam
