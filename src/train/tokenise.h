// From files of documents to tokens: the vocabulary, the token files training reads, and the texts it measures on.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "text/tokenizer.h"
#include "train/documents.h"
#include "train/evaluate.h"
#include "train/token_file.h"

namespace bantam {

// Told now and then how far slow work is; may throw to stop it.
using TokeniseProgress = std::function<void(const std::string& what, uint64_t documents, uint64_t text_bytes)>;

// Trains a vocabulary of `vocab_size` tokens on a sample of about 32 MB of each source, evenly spread over it.
Tokenizer train_vocabulary(std::span<const std::filesystem::path> sources, int vocab_size,
                           const TokeniseProgress& progress = {});

// Saves just a vocabulary as a GGUF file, or loads one from any GGUF file that has one.
void save_vocabulary(const std::filesystem::path& path, const Tokenizer& tokenizer);
Tokenizer load_vocabulary(const std::filesystem::path& path);

// 16 hexadecimal digits that change when a token's bytes, type or number does.
std::string vocabulary_fingerprint(const Tokenizer& tokenizer);

// The source's tokens, from `folder` when a file made of the same vocabulary and the same source (name, size and time
// of change) is there, made and kept there otherwise. A text is bos (where the vocabulary wants one), its tokens, eos.
// Of a conversation only what the assistant says counts. An example of reading is its tokens as encode_reading() gives
// them, tagged, and one eos that no row has. Throws UsageError when a conversation meets a vocabulary
// without the chat's control tokens, FormatError for broken sources.
TokenFile tokenise(const std::filesystem::path& source, const Tokenizer& tokenizer, const std::filesystem::path& folder,
                   ThreadPool& pool, const TokeniseProgress& progress = {});

// An example of reading as tokens (with an eos at the end) and a tag each; empty when no answer is at a token.
struct ReadingDocument {
  std::vector<int32_t> tokens;
  std::vector<uint8_t> tags;
};
ReadingDocument reading_document(const ReadingExample& example, const Tokenizer& tokenizer);

// Documents to measure on: the first ones with `max_tokens` tokens in all, or all when that is 0. Only texts and
// examples of reading; throws UsageError for conversations and for a source without text.
std::vector<EvaluationDocument> evaluation_documents(const std::filesystem::path& source, const Tokenizer& tokenizer,
                                                     uint64_t max_tokens);

}  // namespace bantam
