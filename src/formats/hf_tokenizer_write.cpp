#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "formats/ggml_vocabulary.h"
#include "formats/hf_json.h"
#include "formats/hf_pre_tokenizer.h"
#include "formats/hf_tokenizer.h"

namespace bantam {
namespace {

SortedJson byte_level() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
}

// The token under a key of ids; nothing when the key is missing.
const std::string* token_at(const Metadata& metadata, const char* key) {
  if (!metadata.has(key)) return nullptr;
  const auto& tokens = metadata.strings(ggml::kTokens);
  return &tokens[static_cast<size_t>(metadata.integer(key, 0, static_cast<int64_t>(tokens.size()) - 1))];
}

// Puts bos and eos where the metadata asks for them.
SortedJson post_processor(const Metadata& metadata) {
  SortedJson single = SortedJson::array(), special = SortedJson::object();
  const auto put_special = [&](const char* wanted, const char* id_key) {
    const std::string* token = metadata.flag_or(wanted, false) ? token_at(metadata, id_key) : nullptr;
    if (!token) return;
    single.push_back({{"SpecialToken", {{"id", *token}, {"type_id", 0}}}});
    special[*token] = {{"id", *token},
                       {"ids", SortedJson::array({metadata.integer(id_key, 0, INT32_MAX)})},
                       {"tokens", SortedJson::array({*token})}};
  };
  put_special(ggml::kAddBos, ggml::kBosId);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  put_special(ggml::kAddEos, ggml::kEosId);
  if (special.empty()) return byte_level();
  SortedJson pair = single;
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(special)}};
}

std::string tokenizer_json(const Metadata& metadata, const SortedJson& pre_tokenizer) {
  const auto& tokens = metadata.strings(ggml::kTokens);
  const auto types = metadata.integers_or_empty(ggml::kTokenType);
  if (types.size() != tokens.size()) {
    throw FormatError("{}: '{}' has {} entries for {} tokens", metadata.source(), ggml::kTokenType, types.size(),
                      tokens.size());
  }
  SortedJson vocabulary = SortedJson::object(), added = SortedJson::array();
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty() || find_invalid_utf8(tokens[id]) || !vocabulary.emplace(tokens[id], id).second) {
      throw FormatError("{}: token {} is empty, not UTF-8 or there twice", metadata.source(), id);
    }
    if (types[id] == ggml::kNormal || types[id] == ggml::kUnused) continue;
    added.push_back({{"id", id},
                     {"content", tokens[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", types[id] != ggml::kUserDefined}});
  }
  SortedJson merges = SortedJson::array();
  for (const std::string& merge : metadata.strings(ggml::kMerges)) {
    const size_t space = merge.find(' ');
    if (space == std::string::npos || find_invalid_utf8(merge)) {
      throw FormatError("{}: merge {} is not a pair of tokens in UTF-8", metadata.source(), merges.size());
    }
    merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  SortedJson normalizer;
  if (const MetaValue* steps = metadata.find(ggml::kNormalize)) {
    if (*steps != MetaValue(std::string("nfc"))) {
      throw UnsupportedError("{}: its '{}' cannot be written as tokenizer.json, only nfc", metadata.source(),
                             ggml::kNormalize);
    }
    normalizer = {{"type", "NFC"}};
  }
  return to_hf_text({{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", std::move(added)},
                     {"normalizer", normalizer},
                     {"pre_tokenizer", pre_tokenizer},
                     {"post_processor", post_processor(metadata)},
                     {"decoder", byte_level()},
                     {"model",
                      {{"type", "BPE"},
                       {"dropout", nullptr},
                       {"unk_token", nullptr},
                       {"continuing_subword_prefix", nullptr},
                       {"end_of_word_suffix", nullptr},
                       {"fuse_unk", false},
                       {"byte_fallback", false},
                       {"ignore_merges", ignores_merges(metadata.string(ggml::kPre))},
                       {"vocab", std::move(vocabulary)},
                       {"merges", std::move(merges)}}}});
}

std::string tokenizer_config_json(const Metadata& metadata) {
  SortedJson config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  for (const auto& [name, key] : ggml::kSpecialTokens) {
    if (const std::string* token = token_at(metadata, key)) config[name] = *token;
  }
  if (metadata.has(ggml::kChatTemplate)) config["chat_template"] = metadata.string(ggml::kChatTemplate);
  return to_hf_text(config);
}

void write_whole(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace

void write_hf_tokenizer(const std::filesystem::path& folder, const Metadata& metadata) {
  if (metadata.string(ggml::kModel) != "gpt2") {
    throw UnsupportedError("{}: a vocabulary of model '{}' cannot be written as tokenizer.json, only byte-level BPE",
                           metadata.source(), metadata.string(ggml::kModel));
  }
  const auto pre_tokenizer = hf_pre_tokenizer(metadata.string(ggml::kPre));
  if (!pre_tokenizer) {
    throw UnsupportedError("{}: pre-tokenizer '{}' cannot be written as tokenizer.json, only {}", metadata.source(),
                           metadata.string(ggml::kPre), known_hf_pre_tokenizers());
  }
  const std::string tokenizer = tokenizer_json(metadata, *pre_tokenizer), config = tokenizer_config_json(metadata);
  write_whole(folder / "tokenizer.json", tokenizer);
  write_whole(folder / "tokenizer_config.json", config);
}

}  // namespace bantam
