#include "base_files.h"

#include <filesystem>
#include <map>
#include <memory>
#include <span>

#include "base/file.h"
#include "formats/gguf.h"
#include "formats/hf_folder.h"
#include "formats/safetensors.h"
#include "base/test_folder.h"
#include "model/families/family.h"
#include "model/save.h"
#include "protobuf_bytes.h"
#include "text/test_vocabularies.h"

namespace bantam::torture {
namespace {

constexpr const char* kTemplate =
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

const std::vector<std::string> kPieces = {"\u2581", "t", "h", "e", "\u2581t", "he", "\u2581the", "c", "a", "\u2581cat"};

Files read_files(const std::filesystem::path& folder) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

void merge(Metadata& into, const Metadata& from) {
  for (const auto& [key, value] : from) into.set(key, value);
}

// Of a float matrix, its rows in q8_0.
TensorSource quantised(const TensorSource& source) {
  return {source.name, DType::q8_0, source.shape, [source](const ByteSink& put) {
            std::vector<std::byte> bytes;
            source.produce(
                [&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
            std::vector<std::byte> encoded(row_bytes(DType::q8_0, static_cast<int64_t>(bytes.size() / sizeof(float))));
            traits(DType::q8_0)
                .encode(reinterpret_cast<const float*>(bytes.data()), encoded.data(),
                        static_cast<int64_t>(bytes.size() / sizeof(float)));
            put(encoded);
          }};
}

// Made once: there are hundreds of files of it.
const TestModel& model_of(const std::string& family) {
  static std::map<std::string, std::unique_ptr<const TestModel>> models;
  std::unique_ptr<const TestModel>& model = models[family];
  if (!model) model = std::make_unique<const TestModel>(small_config(family));
  return *model;
}

Files changed_folder(const Change& change) {
  const TestModel& model = model_of("llama");
  Metadata metadata = hf_metadata(model.config);
  merge(metadata, byte_level_vocabulary());
  std::vector<TensorSource> tensors = hf_tensors(model.config, model.weights);
  if (change) change(metadata, tensors);
  const TestFolder folder;
  write_hf_folder(folder.path(), metadata, tensors);
  return read_files(folder.path());
}

}  // namespace

ModelConfig small_config(const std::string& name) {
  const Family& family = family_by_name(name, "test");
  ModelConfig c;
  c.family = name;
  if (family.begin) family.begin(c);
  LayerConfig layer = c.layer.empty() ? LayerConfig{} : c.layer[0];
  layer.heads = 4;
  layer.kv_heads = 2;
  layer.ffn_dim = 32;
  c.layer.assign(2, layer);
  c.vocab = kVocabulary;
  c.dim = 32;
  c.head_dim = c.rope_dim = 8;
  c.context = 64;
  c.rope_pairs = family.gguf.rope_pairs;
  c.tied_embeddings = false;
  if (name == "mixtral") c.experts = 3, c.experts_used = 2;
  if (name == "phi3") {
    c.rope_factors = {1, 1.5, 2, 2.5};
    c.rope_factors_long = {2, 3, 4, 5};
    c.rope_original_context = 8;
  }
  if (name == "gemma2") c.attn_cap = 5, c.logit_cap = 7, c.embed_scale = 5.656854f;
  if (c.norm == Norm::layer) c.qkv_bias = c.attn_out_bias = c.ffn_bias = true;
  return c;
}

Metadata byte_level_vocabulary() {
  static const Metadata vocabulary = [] {
    Metadata metadata("vocabulary");
    testing_text::trained({.vocab_size = kVocabulary}).to_metadata(metadata);
    metadata.set("tokenizer.chat_template", std::string(kTemplate));
    return metadata;
  }();
  return vocabulary;
}

Metadata sentencepiece_vocabulary() {
  Metadata metadata = testing_text::sentencepiece(kPieces, {"<mark>"});
  metadata.set("tokenizer.chat_template", std::string(kTemplate));
  return metadata;
}

Metadata unigram_vocabulary() {
  Metadata metadata = testing_text::unigram(kPieces, {"<mark>"});
  metadata.set("tokenizer.chat_template", std::string(kTemplate));
  std::vector<int64_t> table;
  for (const char byte : testing_text::chars_map_bytes({{"A", "a"}})) table.push_back(static_cast<uint8_t>(byte));
  metadata.set("tokenizer.ggml.precompiled_charsmap", table);
  return metadata;
}

Files gguf_file(const Change& change, const std::string& family, const Metadata& vocabulary) {
  const TestModel& model = model_of(family);
  Metadata metadata = gguf_metadata(model.config);
  merge(metadata, vocabulary);
  std::vector<TensorSource> tensors = gguf_tensors(model.config, model.weights);
  if (change) change(metadata, tensors);
  const TestFolder folder;
  write_gguf(folder / "model.gguf", metadata, tensors);
  return read_files(folder.path());
}

Files quantised_gguf_file() {
  return gguf_file([](Metadata&, std::vector<TensorSource>& tensors) {
    for (TensorSource& tensor : tensors) {
      if (tensor.shape.size() == 2) tensor = quantised(tensor);
    }
  });
}

Files hf_folder(const Change& change) {
  static const Files unchanged = changed_folder({});
  return change ? changed_folder(change) : unchanged;
}

Files sharded_folder() {
  const TestModel& model = model_of("llama");
  const std::vector<TensorSource> tensors = hf_tensors(model.config, model.weights);
  const auto half = static_cast<std::ptrdiff_t>(tensors.size() / 2);
  Files files = without(hf_folder(), "model.safetensors");
  std::string map;
  const TestFolder folder;
  const auto write_shard = [&](const std::string& name, std::span<const TensorSource> part) {
    write_safetensors(folder / name, Metadata(), part);
    files[name] = read_file(folder / name);
    for (const TensorSource& tensor : part)
      map += fmt::format("{}\"{}\": \"{}\"", map.empty() ? "" : ", ", tensor.name, name);
  };
  write_shard("model-1.safetensors", std::span(tensors).first(static_cast<size_t>(half)));
  write_shard("model-2.safetensors", std::span(tensors).subspan(static_cast<size_t>(half)));
  files["model.safetensors.index.json"] = "{\"weight_map\": {" + map + "}}";
  return files;
}

Files sentencepiece_folder(const std::string& model) {
  Files files = without(without(hf_folder(), "tokenizer.json"), "tokenizer_config.json");
  files["tokenizer.model"] = model;
  files["chat_template.jinja"] = kTemplate;
  return files;
}

std::string sentencepiece_model() {
  std::string bytes = proto::piece("<unk>", 0, 2) + proto::piece("<s>", 0, 3) + proto::piece("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) bytes += proto::piece(fmt::format("<0x{:02X}>", byte), 0, 6);
  float score = 0;
  for (const std::string& text : kPieces) bytes += proto::piece(text, --score, 1);
  return bytes + proto::text(2, proto::number(3, 2) + proto::number(42, 2)) + proto::text(3, proto::number(3, 1));
}

MetaValue integer_value(uint64_t n) {
  if (n > INT64_MAX) return n;
  return static_cast<int64_t>(n);
}

Files with(Files files, const std::string& name, std::string bytes) {
  files[name] = std::move(bytes);
  return files;
}

Files without(Files files, const std::string& name) {
  files.erase(name);
  return files;
}

std::vector<std::pair<std::string, Files>> all_base_files() {
  std::vector<std::pair<std::string, Files>> all;
  for (const char* family : {"llama", "mixtral", "phi3", "gemma2", "gpt2"}) {
    all.emplace_back(fmt::format("gguf {}", family), gguf_file({}, family));
  }
  all.emplace_back("gguf q8_0", quantised_gguf_file());
  all.emplace_back("gguf SentencePiece", gguf_file({}, "llama", sentencepiece_vocabulary()));
  all.emplace_back("gguf unigram", gguf_file({}, "llama", unigram_vocabulary()));
  all.emplace_back("safetensors", Files{{"model.safetensors", hf_folder().at("model.safetensors")}});
  all.emplace_back("folder", hf_folder());
  all.emplace_back("folder in shards", sharded_folder());
  all.emplace_back("folder tokenizer.model", sentencepiece_folder(sentencepiece_model()));
  return all;
}

}  // namespace bantam::torture
