#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "formats/ggml_vocabulary.h"
#include "formats/hf_json.h"
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
    // BPE over characters with tokens for bytes is a SentencePiece model in another file.
    const bool sentencepiece = flag(model, "byte_fallback");
    if (sentencepiece) {
      read_space_rules(file);
    } else {
      read_pre_tokenizer(file, model);
      read_normalizer(find_member(file, "normalizer"));
    }
    const SortedJson* added = find_member(file, "added_tokens");
    const SortedJson* vocabulary = find_member(model, "vocab");
    id_limit_ = std::min(kMaxTokens, (vocabulary ? vocabulary->size() : 0) + (added ? added->size() : 0) + kMaxHoles);
    read_vocabulary(model);
    if (added) read_added_tokens(*added);
    fill_holes();
    std::vector<std::string> merges = read_merges(member(model, "merges", SortedJson::value_t::array));
    if (sentencepiece) {
      read_bytes_and_unknown(model);
      metadata_.set(ggml::kScores, scores_of(merges));
    } else {
      metadata_.set(ggml::kMerges, std::move(merges));
      check_decoder(find_member(file, "decoder"));
    }
    if (const SortedJson* processor = find_member(file, "post_processor")) read_post_processor(*processor);

    metadata_.set(ggml::kModel, std::string(sentencepiece ? "llama" : "gpt2"));
    metadata_.set(ggml::kTokens, std::move(tokens_));
    metadata_.set(ggml::kTokenType, std::move(types_));
    metadata_.set(ggml::kAddBos, adds_bos_);
    metadata_.set(ggml::kAddEos, adds_eos_);
    if (!lstrip_.empty()) metadata_.set(ggml::kLstripIds, std::move(lstrip_));
    if (!rstrip_.empty()) metadata_.set(ggml::kRstripIds, std::move(rstrip_));
    if (!single_word_.empty()) metadata_.set(ggml::kSingleWordIds, std::move(single_word_));
  }

 private:
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
    if (find_member(model, "type") && type_of(model) != "BPE") throw unsupported("model.type", type_of(model), "BPE");
    for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (find_member(model, affix) && !text(model, affix).empty()) {
        throw unsupported(affix, text(model, affix), "none");
      }
    }
    const SortedJson* dropout = find_member(model, "dropout");
    if (dropout && *dropout != 0) throw unsupported("model.dropout", "not 0", "0");
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

  // How a vocabulary of SentencePiece turns spaces into U+2581: a normalizer, or a pre-tokenizer that does the same.
  void read_space_rules(const SortedJson& file) {
    bool prefix = false, escapes = false;
    const auto read_step = [&](const SortedJson& step) {
      const std::string& type = type_of(step);
      if (type == "Prepend" && text(step, "prepend") == kSpaceSymbol) {
        prefix = true;
      } else if (type == "Replace" && is_string_pattern(step, " ") && text(step, "content") == kSpaceSymbol) {
        escapes = true;
      } else if (type == "NFC") {
        metadata_.set(ggml::kNormalize, std::string("nfc"));
      } else {
        throw unsupported("normalizer", type, "NFC, Prepend and Replace of a space for SentencePiece vocabularies");
      }
    };
    if (const SortedJson* normalizer = find_member(file, "normalizer")) {
      if (type_of(*normalizer) == "Sequence") {
        for (const SortedJson& step : member(*normalizer, "normalizers", SortedJson::value_t::array)) read_step(step);
      } else {
        read_step(*normalizer);
      }
    }
    if (const SortedJson* pre = find_member(file, "pre_tokenizer")) {
      const std::string& type = type_of(*pre);
      if (type == "Metaspace" && text(*pre, "replacement") == kSpaceSymbol) {
        escapes = true;
        prefix |= find_member(*pre, "prepend_scheme")
                      ? text(*pre, "prepend_scheme") != "never"
                      : !find_member(*pre, "add_prefix_space") || flag(*pre, "add_prefix_space");
      } else if (!(type == "Split" && escapes && is_string_pattern(*pre, " "))) {  // of which none are left
        throw unsupported("pre_tokenizer", type, "Metaspace for SentencePiece vocabularies");
      }
    }
    if (!escapes)
      throw unsupported("normalizer", "one that leaves spaces", "U+2581 for a space in SentencePiece vocabularies");
    metadata_.set(ggml::kPre, std::string("default"));
    metadata_.set(ggml::kAddSpacePrefix, prefix);
    metadata_.set(ggml::kRemoveExtraWhitespaces, false);
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
    if (!find_member(model, "unk_token")) return;
    const auto unknown = ids_.find(text(model, "unk_token"));
    if (unknown == ids_.end()) {
      throw FormatError("{}: 'model.unk_token' is '{}', which is no token", source_, text(model, "unk_token"));
    }
    types_[unknown->second] = ggml::kUnknown;
    metadata_.set(ggml::kUnknownId, static_cast<int64_t>(unknown->second));
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

  void read_normalizer(const SortedJson* normalizer) {
    if (!normalizer) return;
    if (type_of(*normalizer) != "NFC") throw unsupported("normalizer", type_of(*normalizer), "none and NFC");
    metadata_.set(ggml::kNormalize, std::string("nfc"));
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

  // "a b" in older files, ["a", "b"] in newer ones; a byte-level token has no space in it.
  std::vector<std::string> read_merges(const SortedJson& list) const {
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
  bool adds_bos_ = false, adds_eos_ = false;
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
}

}  // namespace bantam
