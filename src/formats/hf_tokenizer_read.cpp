#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "formats/ggml_vocabulary.h"
#include "formats/hf_json.h"
#include "formats/hf_normalizer.h"
#include "formats/hf_pre_tokenizer.h"
#include "formats/hf_tokenizer.h"
#include "formats/sentencepiece_model.h"

namespace bantam {
namespace {

constexpr std::string_view kSpaceSymbol = "\u2581";
constexpr size_t kMaxTokens = size_t{1} << 20;
constexpr size_t kMaxTemplateBytes = size_t{1} << 16;  // as text/template.cpp
constexpr size_t kMaxHoles = size_t{1} << 14;          // ids that no token has; published files have a few thousand

class TokenizerReader {
 public:
  TokenizerReader(const std::string& source, Metadata& metadata) : source_(source), metadata_(metadata) {}

  void read(const SortedJson& file) {
    const SortedJson& model = member(file, "model", SortedJson::value_t::object);
    check_model(model);
    read_kind(model);
    const HfNormalizer normalizer = read_hf_normalizer(find_member(file, "normalizer"), source_);
    if (kind_ == Kind::byte_level) {
      read_pre_tokenizer(file, model);
      set_normalizer(normalizer);
    } else {
      read_space_rules(file, normalizer);
    }
    const SortedJson* added = find_member(file, "added_tokens");
    const SortedJson* vocabulary = find_member(model, "vocab");
    id_limit_ = std::min(kMaxTokens, (vocabulary ? vocabulary->size() : 0) + (added ? added->size() : 0) + kMaxHoles);
    if (kind_ == Kind::unigram) {
      read_pieces(model);
    } else {
      read_vocabulary(model);
    }
    if (added) read_added_tokens(*added);
    fill_holes();
    if (kind_ != Kind::unigram) read_merges(model);
    if (kind_ == Kind::byte_level) {
      check_decoder(find_member(file, "decoder"));
    } else {
      read_bytes_and_unknown(model);
      scores_.resize(tokens_.size());
      metadata_.set(ggml::kScores, std::move(scores_));
    }
    if (const SortedJson* processor = find_member(file, "post_processor")) read_post_processor(*processor);

    metadata_.set(ggml::kModel, std::string(kind_ == Kind::byte_level ? "gpt2"
                                            : kind_ == Kind::unigram  ? "t5"
                                                                      : "llama"));
    metadata_.set(ggml::kTokens, std::move(tokens_));
    metadata_.set(ggml::kTokenType, std::move(types_));
    metadata_.set(ggml::kAddBos, adds_bos_);
    metadata_.set(ggml::kAddEos, adds_eos_);
    if (!lstrip_.empty()) metadata_.set(ggml::kLstripIds, std::move(lstrip_));
    if (!rstrip_.empty()) metadata_.set(ggml::kRstripIds, std::move(rstrip_));
    if (!single_word_.empty()) metadata_.set(ggml::kSingleWordIds, std::move(single_word_));
  }

 private:
  // BPE over characters with tokens for bytes is a SentencePiece model in another file, and so is a unigram model.
  enum class Kind { byte_level, sentencepiece_bpe, unigram };

  UnsupportedError unsupported(std::string_view field, std::string_view found, std::string_view wanted) const {
    return UnsupportedError("{}: '{}' is {}, this build knows {}", source_, field, found, wanted);
  }

  const SortedJson& member(const SortedJson& object, const char* key, SortedJson::value_t type) const {
    const SortedJson* value = object.is_object() ? find_member(object, key) : nullptr;
    if (!value) throw FormatError("{}: '{}' is missing", source_, key);
    if (value->type() != type && !(type == SortedJson::value_t::number_unsigned && value->is_number_unsigned())) {
      throw FormatError("{}: '{}' is a JSON {}, expected one {}", source_, key, value->type_name(),
                        SortedJson(type).type_name());
    }
    return *value;
  }

  const std::string& text(const SortedJson& object, const char* key) const {
    return member(object, key, SortedJson::value_t::string).get_ref<const std::string&>();
  }

  bool flag(const SortedJson& object, const char* key) const {
    return find_member(object, key) && member(object, key, SortedJson::value_t::boolean).get<bool>();
  }

  const std::string& type_of(const SortedJson& step) const { return text(step, "type"); }

  void check_model(const SortedJson& model) const {
    if (find_member(model, "type") && type_of(model) != "BPE" && type_of(model) != "Unigram") {
      throw unsupported("model.type", type_of(model), "BPE and Unigram");
    }
    for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (find_member(model, affix) && !text(model, affix).empty()) {
        throw unsupported(affix, text(model, affix), "none");
      }
    }
    const SortedJson* dropout = find_member(model, "dropout");
    if (dropout && *dropout != 0) throw unsupported("model.dropout", "not 0", "0");
  }

  void read_kind(const SortedJson& model) {
    if (find_member(model, "type") && type_of(model) == "Unigram") {
      kind_ = Kind::unigram;
    } else if (flag(model, "byte_fallback")) {
      kind_ = Kind::sentencepiece_bpe;
    }
  }

  void set_normalizer(const HfNormalizer& normalizer) {
    if (!normalizer.chars_map.empty()) metadata_.set(ggml::kCharsMap, normalizer.chars_map);
    const std::vector<std::string> words = normalizer.words();
    // A table of characters that comes first and alone need not be named; GGUF's other readers know it too.
    if (words.empty() || words == std::vector<std::string>{"charsmap"}) return;
    if (words.size() == 1) {
      metadata_.set(ggml::kNormalize, words[0]);
    } else {
      metadata_.set(ggml::kNormalize, words);
    }
  }

  void read_pre_tokenizer(const SortedJson& file, const SortedJson& model) {
    const SortedJson* found = find_member(file, "pre_tokenizer");
    const bool ignores = flag(model, "ignore_merges");
    const auto pre = found ? ggml_pre_of(*found, ignores) : std::nullopt;
    if (!pre) {
      const auto patterns = found ? word_patterns_of(*found) : std::nullopt;
      if (!patterns) {
        throw unsupported("pre_tokenizer", found ? "one that cuts text another way" : "missing",
                          "ByteLevel, Split, Digits and Punctuation that isolate, and sequences of them");
      }
      metadata_.set(ggml::kPre, std::string("custom"));
      metadata_.set(ggml::kWordPatterns, *patterns);
      metadata_.set(ggml::kWholeWordsFirst, ignores);
      return;
    }
    metadata_.set(ggml::kPre, std::string(*pre));
  }

  // How a vocabulary of SentencePiece turns spaces into U+2581: steps of its normalizer, or a pre-tokenizer.
  void read_space_rules(const SortedJson& file, const HfNormalizer& normalizer) {
    const HfNormalizerStep prepend{"prepend", {std::string(kSpaceSymbol)}};
    const HfNormalizerStep escape{"replace", {" ", std::string(kSpaceSymbol)}};
    HfNormalizer rest{{}, normalizer.chars_map};
    for (const HfNormalizerStep& step : normalizer.steps) {
      if (step == prepend) {
        space_prefix_ = true;
      } else if (step == escape) {
        escapes_spaces_ = true;
      } else if ((space_prefix_ || escapes_spaces_) && changes_spaces(step.name)) {
        throw unsupported("normalizer", fmt::format("'{}' after spaces have become U+2581", step.name),
                          "such a step before");
      } else {
        rest.steps.push_back(step);
      }
    }
    if (const SortedJson* pre = find_member(file, "pre_tokenizer")) read_space_pre_tokenizer(*pre);
    if (!escapes_spaces_)
      throw unsupported("normalizer", "one that leaves spaces", "U+2581 for a space in SentencePiece vocabularies");
    // Tables of characters make a space of every white space.
    if (splits_at_spaces_ && rest.chars_map.empty()) rest.steps.push_back({"replace_pattern", {"\\s+", " "}});
    set_normalizer(rest);
    metadata_.set(ggml::kPre, std::string("default"));
    metadata_.set(ggml::kAddSpacePrefix, space_prefix_);
    metadata_.set(ggml::kRemoveExtraWhitespaces, splits_at_spaces_);
    if (prefixes_once_) metadata_.set(ggml::kSpacePrefixOnce, true);
  }

  static bool changes_spaces(std::string_view step) {
    return step.starts_with("strip_") || step.starts_with("replace") || step == "prepend" || step == "charsmap";
  }

  void read_space_pre_tokenizer(const SortedJson& pre) {
    const std::string& type = type_of(pre);
    if (type == "Sequence") {
      for (const SortedJson& step : member(pre, "pretokenizers", SortedJson::value_t::array)) {
        if (type_of(step) == "Sequence") throw unsupported("pre_tokenizer", "a sequence in a sequence", "one");
        read_space_pre_tokenizer(step);
      }
    } else if (type == "WhitespaceSplit") {
      splits_at_spaces_ = true;
    } else if (type == "Metaspace" && text(pre, "replacement") == kSpaceSymbol) {
      escapes_spaces_ = true;
      const bool prefixes = find_member(pre, "prepend_scheme")
                                ? text(pre, "prepend_scheme") != "never"
                                : !find_member(pre, "add_prefix_space") || flag(pre, "add_prefix_space");
      prefixes_once_ = prefixes && !space_prefix_;
      space_prefix_ |= prefixes;
    } else if (!(type == "Split" && escapes_spaces_ && is_string_pattern(pre, " "))) {  // of which none are left
      throw unsupported("pre_tokenizer", type, "Metaspace and WhitespaceSplit for SentencePiece vocabularies");
    }
  }

  bool is_string_pattern(const SortedJson& step, std::string_view wanted) const {
    const SortedJson& pattern = member(step, "pattern", SortedJson::value_t::object);
    return find_member(pattern, "String") && text(pattern, "String") == wanted;
  }

  void read_bytes_and_unknown(const SortedJson& model) {
    for (int byte = 0; byte < 256; ++byte) {
      const auto found = ids_.find(fmt::format("<0x{:02X}>", byte));
      if (found != ids_.end() && types_[found->second] == ggml::kNormal) types_[found->second] = ggml::kByte;
    }
    if (const auto unknown = unknown_of(model)) {
      types_[*unknown] = ggml::kUnknown;
      metadata_.set(ggml::kUnknownId, static_cast<int64_t>(*unknown));
    }
  }

  std::optional<size_t> unknown_of(const SortedJson& model) const {
    if (kind_ == Kind::unigram) {
      if (!find_member(model, "unk_id")) return std::nullopt;
      const SortedJson& id = member(model, "unk_id", SortedJson::value_t::number_unsigned);
      if (id.get<uint64_t>() < tokens_.size()) return id.get<size_t>();
      throw FormatError("{}: 'model.unk_id' is {}, but there are {} tokens", source_, id.dump(), tokens_.size());
    }
    if (!find_member(model, "unk_token")) return std::nullopt;
    const auto unknown = ids_.find(text(model, "unk_token"));
    if (unknown != ids_.end()) return unknown->second;
    throw FormatError("{}: 'model.unk_token' is '{}', which is no token", source_, text(model, "unk_token"));
  }

  // SentencePiece joins what becomes the token with the best score; here, the one that a merge names first.
  std::vector<double> scores_of(const std::vector<std::string>& merges) const {
    std::vector<double> scores(tokens_.size(), -1 - static_cast<double>(merges.size()));
    for (size_t rank = merges.size(); rank-- > 0;) {
      std::string token = merges[rank];
      token.erase(token.find(' '), 1);
      if (const auto found = ids_.find(token); found != ids_.end()) scores[found->second] = -static_cast<double>(rank);
    }
    return scores;
  }

  void check_decoder(const SortedJson* decoder) const {
    if (decoder && type_of(*decoder) != "ByteLevel") throw unsupported("decoder", type_of(*decoder), "ByteLevel");
  }

  void put_token(const std::string& token, const SortedJson& id_value, int64_t type) {
    if (!id_value.is_number_unsigned() || id_value.get<uint64_t>() >= id_limit_) {
      throw FormatError("{}: the id of token '{}' is {}, expected 0 to {}", source_, token, id_value.dump(),
                        id_limit_ - 1);
    }
    const auto id = id_value.get<size_t>();
    if (token.empty()) throw FormatError("{}: token {} is empty", source_, id);
    if (id >= tokens_.size()) {
      tokens_.resize(id + 1);
      types_.resize(id + 1, ggml::kUnused);
    }
    const auto [known, is_new] = ids_.try_emplace(token, id);
    if (known->second != id || !(is_new ? tokens_[id].empty() : tokens_[id] == token)) {
      throw FormatError("{}: token '{}' and id {} do not belong to each other alone", source_, token, id);
    }
    tokens_[id] = token;
    types_[id] = type;
  }

  void read_vocabulary(const SortedJson& model) {
    const SortedJson& vocabulary = member(model, "vocab", SortedJson::value_t::object);
    for (const auto& [token, id] : vocabulary.items()) put_token(token, id, ggml::kNormal);
  }

  // The vocabulary of a unigram model: [piece, score], in the order of their ids.
  void read_pieces(const SortedJson& model) {
    for (const SortedJson& piece : member(model, "vocab", SortedJson::value_t::array)) {
      if (!piece.is_array() || piece.size() != 2 || !piece[0].is_string() || !piece[1].is_number()) {
        throw FormatError("{}: entry {} of 'model.vocab' is no pair of a piece and its score", source_, tokens_.size());
      }
      put_token(piece[0].get_ref<const std::string&>(), static_cast<uint64_t>(tokens_.size()), ggml::kNormal);
      scores_.push_back(piece[1].get<double>());
    }
  }

  void read_added_tokens(const SortedJson& added) {
    if (!added.is_array()) throw FormatError("{}: 'added_tokens' is not an array", source_);
    for (const SortedJson& token : added) {
      const std::string& content = text(token, "content");
      const SortedJson& id = member(token, "id", SortedJson::value_t::number_unsigned);
      put_token(content, id, flag(token, "special") ? ggml::kControl : ggml::kUserDefined);
      if (flag(token, "lstrip")) lstrip_.push_back(id.get<int64_t>());
      if (flag(token, "rstrip")) rstrip_.push_back(id.get<int64_t>());
      if (flag(token, "single_word")) single_word_.push_back(id.get<int64_t>());
    }
  }

  // Ids that no token has still have rows in the embedding.
  void fill_holes() {
    for (size_t id = 0; id < tokens_.size(); ++id) {
      if (tokens_[id].empty()) put_token(fmt::format("[PAD{}]", id), id, ggml::kUnused);
    }
  }

  void read_merges(const SortedJson& model) {
    std::vector<std::string> merges = merges_of(member(model, "merges", SortedJson::value_t::array));
    if (kind_ == Kind::sentencepiece_bpe) {
      scores_ = scores_of(merges);
    } else {
      metadata_.set(ggml::kMerges, std::move(merges));
    }
  }

  // "a b" in older files, ["a", "b"] in newer ones; a byte-level token has no space in it.
  std::vector<std::string> merges_of(const SortedJson& list) const {
    std::vector<std::string> merges;
    merges.reserve(list.size());
    for (const SortedJson& merge : list) {
      std::string pair;
      if (merge.is_string()) {
        pair = merge.get<std::string>();
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
        pair = merge[0].get<std::string>() + ' ' + merge[1].get<std::string>();
      }
      const size_t space = pair.find(' ');
      if (space == 0 || space == std::string::npos || space + 1 == pair.size() ||
          pair.find(' ', space + 1) != std::string::npos) {
        throw FormatError("{}: merge {} is not a pair of tokens", source_, merges.size());
      }
      merges.push_back(std::move(pair));
    }
    return merges;
  }

  void read_post_processor(const SortedJson& step) {
    const std::string& type = type_of(step);
    if (type == "Sequence") {
      for (const SortedJson& inner : member(step, "processors", SortedJson::value_t::array)) {
        if (type_of(inner) == "Sequence") throw unsupported("post_processor", "a sequence in a sequence", "one");
        read_post_processor(inner);
      }
    } else if (type == "TemplateProcessing") {
      read_template(member(step, "single", SortedJson::value_t::array));
    } else if (type != "ByteLevel") {
      throw unsupported("post_processor", type, "ByteLevel and TemplateProcessing");
    }
  }

  // [bos] text [eos]
  void read_template(const SortedJson& pieces) {
    bool after_text = false;
    for (const SortedJson& piece : pieces) {
      if (piece.is_object() && piece.contains("Sequence") && !after_text) {
        after_text = true;
        continue;
      }
      const std::string& token = text(member(piece, "SpecialToken", SortedJson::value_t::object), "id");
      const auto id = ids_.find(token);
      bool& adds = after_text ? adds_eos_ : adds_bos_;
      if (id == ids_.end() || adds) {
        throw unsupported("post_processor", fmt::format("a template with '{}'", token),
                          "one known token before and one after the text");
      }
      adds = true;
      metadata_.set(after_text ? ggml::kEosId : ggml::kBosId, static_cast<int64_t>(id->second));
    }
  }

  const std::string& source_;
  Metadata& metadata_;
  std::vector<std::string> tokens_;
  std::vector<int64_t> types_;
  size_t id_limit_ = 0;  // memory is taken for all ids below the highest
  std::unordered_map<std::string, size_t> ids_;
  std::vector<int64_t> lstrip_, rstrip_, single_word_;  // ids
  std::vector<double> scores_;                          // of SentencePiece's tokens
  Kind kind_ = Kind::byte_level;
  bool adds_bos_ = false, adds_eos_ = false;
  bool space_prefix_ = false, prefixes_once_ = false, escapes_spaces_ = false, splits_at_spaces_ = false;
};

// The text of a special token: a string, or an object with "content". Empty when there is none.
std::string special_token(const SortedJson& config, const char* name) {
  const SortedJson* token = find_member(config, name);
  if (token && token->is_object()) token = find_member(*token, "content");
  return token && token->is_string() ? token->get<std::string>() : std::string();
}

// Ids of special tokens from the names in tokenizer_config.json.
void read_special_tokens(const SortedJson& config, const std::string& source, Metadata& metadata) {
  const auto& tokens = metadata.strings(ggml::kTokens);
  for (const auto& [name, key] : ggml::kSpecialTokens) {
    const std::string text = special_token(config, name);
    if (text.empty()) continue;
    const auto found = std::find(tokens.begin(), tokens.end(), text);
    if (found == tokens.end()) throw FormatError("{}: {} '{}' is not in the vocabulary", source, name, text);
    metadata.set(key, int64_t{found - tokens.begin()});
  }
}

// The ids config.json gives, where nothing else did: a number, or a list that starts with the main one.
void read_ids_of_config(Metadata& metadata) {
  const auto tokens = static_cast<int64_t>(metadata.strings(ggml::kTokens).size());
  for (const auto& [name, key] : ggml::kSpecialTokens) {
    const MetaValue* value = metadata.find(fmt::format("hf.{}_id", name));
    if (metadata.has(key) || !value) continue;
    const auto* list = std::get_if<std::vector<int64_t>>(value);
    const auto* single = list ? &list->front() : std::get_if<int64_t>(value);
    if (single && *single >= 0 && *single < tokens) metadata.set(key, int64_t{*single});
  }
}

// A string, or a list of named templates of which "default" is for chat.
void read_chat_template(const SortedJson& config, const std::string& source, Metadata& metadata) {
  const SortedJson* found = find_member(config, "chat_template");
  if (!found) return;
  if (found->is_array()) {
    for (const SortedJson& named : *found) {
      if (named.is_object() && named.value("name", SortedJson()) == "default") found = find_member(named, "template");
    }
  }
  if (!found || !found->is_string()) {
    throw FormatError("{}: 'chat_template' is neither a string nor a list with one named 'default'", source);
  }
  metadata.set(ggml::kChatTemplate, found->get<std::string>());
}

}  // namespace

void read_hf_tokenizer_json(std::string_view text, const std::string& source, Metadata& metadata) {
  TokenizerReader(source, metadata).read(parse_hf_json(text, source));
}

void read_hf_tokenizer(const std::filesystem::path& folder, Metadata& metadata) {
  const auto path = folder / "tokenizer.json", sentencepiece = folder / "tokenizer.model";
  if (std::filesystem::exists(path)) {
    TokenizerReader(path.string(), metadata).read(read_hf_json(path));
  } else if (std::filesystem::exists(sentencepiece)) {
    read_sentencepiece_model(sentencepiece, metadata);
  } else {
    return;
  }
  if (const auto config_path = folder / "tokenizer_config.json"; std::filesystem::exists(config_path)) {
    const SortedJson config = read_hf_json(config_path);
    read_special_tokens(config, config_path.string(), metadata);
    read_chat_template(config, config_path.string(), metadata);
  }
  if (const auto chat_path = folder / "chat_template.jinja"; std::filesystem::exists(chat_path)) {
    metadata.set(ggml::kChatTemplate, read_bounded_file(chat_path, kMaxTemplateBytes));
  }
  read_ids_of_config(metadata);
  // Of a unigram model from a GGUF file that does not say, T5's ids are meant.
  for (const auto& [name, key] : ggml::kSpecialTokens) {
    if (metadata.string(ggml::kModel) == "t5" && !metadata.has(key)) metadata.set(key, int64_t{-1});
  }
}

}  // namespace bantam
