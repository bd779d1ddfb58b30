// tokenizer.json and tokenizer_config.json of a Hugging Face folder, to and from the `tokenizer.*` keys of GGUF.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/metadata.h"

namespace bantam {

// Sets `tokenizer.*` keys (and `bantam.tokenizer.*` ones, see ggml_vocabulary.h) from the files of a folder: its
// tokenizer.json, else its tokenizer.model, else none. Byte-level BPE, and SentencePiece's BPE. The ids of special
// tokens come from tokenizer_config.json, else from the "hf." keys of config.json. Throws IoError, FormatError, or
// UnsupportedError naming what would tokenize differently here.
void read_hf_tokenizer(const std::filesystem::path& folder, Metadata& metadata);

// The part of it that reads the text of a tokenizer.json.
void read_hf_tokenizer_json(std::string_view text, const std::string& source, Metadata& metadata);

// Writes tokenizer.json and tokenizer_config.json. Throws UnsupportedError for a vocabulary that is not byte-level BPE
// or has another pre-tokenizer, FormatError for keys that are missing or do not fit each other.
void write_hf_tokenizer(const std::filesystem::path& folder, const Metadata& metadata);

}  // namespace bantam
