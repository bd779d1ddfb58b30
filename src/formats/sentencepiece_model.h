// SentencePiece's `.model` files (protocol buffers) to the `tokenizer.*` keys of GGUF.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/metadata.h"

namespace bantam {

// Sets tokens, scores, types, special ids and how text is normalised, of a BPE or unigram model. Throws FormatError
// naming field and byte where the bytes break the format, UnsupportedError for a word or character model and for spaces
// behind words.                                    Source of the fields: sentencepiece_model.proto,
// github.com/google/sentencepiece
void read_sentencepiece_model(std::string_view bytes, const std::string& source, Metadata& metadata);

// The same from a file.
void read_sentencepiece_model(const std::filesystem::path& path, Metadata& metadata);

}  // namespace bantam
