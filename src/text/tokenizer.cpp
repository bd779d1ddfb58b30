#include "text/tokenizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_alphabet.h"

namespace bantam {
namespace {

constexpr std::string_view kSpaceSymbol = "\u2581";
constexpr std::string_view kReplacement = "\uFFFD";

// U+2581 for every space, one in front when `prefix`, and with `collapse` single ones only and none at the end.
std::string with_space_symbols(std::string_view text, bool prefix, bool collapse) {
  std::string out;
  out.reserve(text.size() + text.size() / 4 + kSpaceSymbol.size());
  if (prefix) out += kSpaceSymbol;
  bool after_space = true;
  for (const char c : text) {
    if (c != ' ') {
      out.push_back(c);
    } else if (!collapse || !after_space) {
      out += kSpaceSymbol;
    }
    after_space = c == ' ';
  }
  if (collapse && after_space && out.ends_with(kSpaceSymbol)) out.resize(out.size() - kSpaceSymbol.size());
  return out;
}

std::string with_replaced_bytes(std::string_view text, const std::array<int32_t, 256>& byte_ids) {
  std::string out;
  for (const char c : text) {
    if (byte_ids[static_cast<uint8_t>(c)] >= 0) {
      out.push_back(c);
    } else {
      out += kReplacement;
    }
  }
  return out;
}

}  // namespace

std::vector<int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  std::vector<int32_t> ids;
  Merger merger(merges_);
  if (options.add_bos && special_.bos) ids.push_back(*special_.bos);
  for (size_t begin = 0; begin < text.size();) {
    const auto added = added_.find(text, begin, options.parse_special);
    const size_t end = added ? added->begin : text.size();
    encode_between(text.substr(begin, end - begin), merger, ids);
    if (added) ids.push_back(added->id);
    begin = added ? end + added->bytes : end;
  }
  if (options.add_eos && special_.eos) ids.push_back(*special_.eos);
  return ids;
}

std::vector<int32_t> Tokenizer::encode_marked(std::string_view text,
                                              std::span<const std::pair<size_t, size_t>> trusted) const {
  std::vector<int32_t> ids;
  size_t done = 0;
  const auto encode_up_to = [&](size_t end) {
    if (end == done) return;
    const std::vector<int32_t> part = encode(text.substr(done, end - done));
    ids.insert(ids.end(), part.begin(), part.end());
  };
  for (const auto& [begin, end] : trusted) {
    for (size_t at = begin; at < end;) {
      const auto added = added_.find(text.substr(0, end), at, true);
      if (!added) break;
      at = added->begin + added->bytes;
      if (type(added->id) == TokenType::user_defined) continue;  // encode() finds it
      encode_up_to(added->begin);
      ids.push_back(added->id);
      done = at;
    }
  }
  encode_up_to(text.size());
  return ids;
}

// Text between added tokens.
void Tokenizer::encode_between(std::string_view text, Merger& merger, std::vector<int32_t>& ids) const {
  std::string normalized;
  if (!normalizer_.changes_nothing()) {
    normalized = normalizer_.normalize(text);
    text = normalized;
  }
  if (text.empty()) return;
  if (model_ == Model::byte_bpe) {
    encode_byte_bpe(text, merger, ids);
  } else {
    encode_sentencepiece(text, merger, ids);
  }
}

std::optional<int32_t> Tokenizer::whole_word(std::string_view word) const {
  const int32_t found = ids_.find(tokens_, to_byte_alphabet(word));
  if (found < 0 || type(found) != TokenType::normal) return std::nullopt;
  return found;
}

void Tokenizer::encode_byte_bpe(std::string_view text, Merger& merger, std::vector<int32_t>& ids) const {
  std::string replaced;
  if (lacks_bytes_) {
    replaced = with_replaced_bytes(text, byte_ids_);
    text = replaced;
  }
  std::vector<Symbol> symbols;
  for (const std::string_view word :
       word_patterns_.empty() ? split_words(pre_, text) : split_words(word_patterns_, text)) {
    if (whole_words_first_) {
      if (const auto id = whole_word(word)) {
        ids.push_back(*id);
        continue;
      }
    }
    symbols.clear();
    for (const char byte : word) symbols.push_back({byte_ids_[static_cast<uint8_t>(byte)], 1});
    merger.merge(symbols);
    for (const Symbol& symbol : symbols) ids.push_back(symbol.id);
  }
}

void Tokenizer::encode_sentencepiece(std::string_view text, Merger& merger, std::vector<int32_t>& ids) const {
  const bool begins_with_space = text.starts_with(' ') || text.starts_with(kSpaceSymbol);
  const bool prefix = add_space_prefix_ && !(space_prefix_once_ && begins_with_space && !remove_extra_whitespaces_);
  const std::string spaced = with_space_symbols(text, prefix, remove_extra_whitespaces_);
  if (model_ == Model::sentencepiece_unigram) {
    return append_sentencepiece_symbols(spaced, unigram_.segment(spaced), ids);
  }
  const std::string_view rest = spaced;
  std::vector<Symbol> word;
  size_t begin = 0;
  const auto finish_word = [&](size_t end) {
    merger.merge(word);
    append_sentencepiece_symbols(rest.substr(begin, end - begin), word, ids);
    word.clear();
    begin = end;
  };
  bool after_space = true;
  for (size_t at = 0; at < rest.size();) {
    const bool space = rest.substr(at).starts_with(kSpaceSymbol);
    if (spaces_only_lead_ && space && !after_space) finish_word(at);
    after_space = space;
    const auto next = decode_utf8(rest.substr(at));
    const auto symbol = next ? char_symbols_.find(next->value) : char_symbols_.end();
    const uint32_t bytes = next ? static_cast<uint32_t>(next->bytes) : 1;
    word.push_back({symbol == char_symbols_.end() ? -1 : symbol->second, bytes});
    at += bytes;
  }
  finish_word(rest.size());
}

// Symbols that are not tokens are written byte by byte, or as one unknown token.
void Tokenizer::append_sentencepiece_symbols(std::string_view text, std::span<const Symbol> word,
                                             std::vector<int32_t>& ids) const {
  for (const Symbol& symbol : word) {
    const std::string_view bytes = text.substr(0, symbol.bytes);
    text.remove_prefix(symbol.bytes);
    const auto id_of = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
    if (symbol.id >= 0 && symbol.id < vocab_size()) {
      ids.push_back(symbol.id);
    } else if (std::ranges::all_of(bytes, [&](char byte) { return id_of(byte) >= 0; })) {
      for (const char byte : bytes) ids.push_back(id_of(byte));
    } else {
      ids.push_back(*special_.unknown);
    }
  }
}

std::string Tokenizer::decode(std::span<const int32_t> ids, DecodeOptions options) const {
  std::string text;
  int32_t previous = -1;
  for (const int32_t id : ids) {
    text += piece_after(previous, id, options);
    previous = id;
  }
  return text;
}

std::string_view Tokenizer::piece(int32_t id) const {
  const size_t i = checked(id);
  return std::string_view(piece_bytes_).substr(piece_begin_[i], piece_begin_[i + 1] - piece_begin_[i]);
}

std::string_view Tokenizer::piece_after(int32_t previous, int32_t id, DecodeOptions options) const {
  const auto is_text = [&](int32_t i) {
    const TokenType t = type(i);
    return t == TokenType::normal || t == TokenType::unused || t == TokenType::byte;
  };
  if (!options.keep_control && (type(id) == TokenType::control || type(id) == TokenType::unknown)) return {};
  std::string_view text = piece(id);
  const bool begins_text = is_text(id) && (previous < 0 || !is_text(previous));
  if (add_space_prefix_ && begins_text && text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

std::optional<int32_t> Tokenizer::find(std::string_view token_text) const {
  const int32_t found = ids_.find(tokens_, token_text);
  if (found < 0) return std::nullopt;
  return found;
}

TokenType Tokenizer::type(int32_t id) const { return types_[checked(id)]; }

bool Tokenizer::is_end_of_generation(int32_t id) const { return std::ranges::find(end_ids_, id) != end_ids_.end(); }

size_t Tokenizer::checked(int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw UsageError("token id {} is outside the vocabulary: expected 0 to {}", id, vocab_size() - 1);
  }
  return static_cast<size_t>(id);
}

}  // namespace bantam
