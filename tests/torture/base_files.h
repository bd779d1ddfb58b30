// Small valid files, made by the library's own writers, for the tables of bad ones.
#pragma once

#include <functional>

#include "bad_file.h"
#include "base/metadata.h"
#include "formats/tensor_source.h"
#include "model/test_model.h"

namespace bantam::torture {

inline constexpr int kVocabulary = 340;

// A model of the family with kVocabulary tokens, two layers and all that its files can say.
ModelConfig small_config(const std::string& family);
// A vocabulary of byte-level BPE, one of SentencePiece's BPE, one of its unigrams; each with a chat template.
Metadata byte_level_vocabulary();
Metadata sentencepiece_vocabulary();
Metadata unigram_vocabulary();

// Changes metadata and tensors before they are written.
using Change = std::function<void(Metadata& metadata, std::vector<TensorSource>& tensors)>;

// "model.gguf" of a llama model with the byte-level vocabulary, unless something else is named.
Files gguf_file(const Change& change = {}, const std::string& family = "llama",
                const Metadata& vocabulary = byte_level_vocabulary());
// The same with matrices in q8_0.
Files quantised_gguf_file();

// config.json, model.safetensors, tokenizer.json, tokenizer_config.json.
Files hf_folder(const Change& change = {});
// The same in two shards with an index.
Files sharded_folder();
// The same with a tokenizer.model of these bytes instead of the two JSON files.
Files sentencepiece_folder(const std::string& model);
std::string sentencepiece_model();

// As metadata keeps an integer.
MetaValue integer_value(uint64_t n);

// `files` with one of them changed.
Files with(Files files, const std::string& name, std::string bytes);
Files without(Files files, const std::string& name);

// All valid files, for random changes: name and files.
std::vector<std::pair<std::string, Files>> all_base_files();

}  // namespace bantam::torture
