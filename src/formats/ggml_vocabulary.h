// Names of GGUF's tokenizer keys that more than one reader or writer of this folder uses.
#pragma once

#include <cstdint>
#include <utility>

namespace bantam::ggml {

inline constexpr const char* kModel = "tokenizer.ggml.model";
inline constexpr const char* kPre = "tokenizer.ggml.pre";
inline constexpr const char* kTokens = "tokenizer.ggml.tokens";
inline constexpr const char* kTokenType = "tokenizer.ggml.token_type";
inline constexpr const char* kScores = "tokenizer.ggml.scores";
inline constexpr const char* kAddSpacePrefix = "tokenizer.ggml.add_space_prefix";
inline constexpr const char* kRemoveExtraWhitespaces = "tokenizer.ggml.remove_extra_whitespaces";
inline constexpr const char* kCharsMap = "tokenizer.ggml.precompiled_charsmap";
inline constexpr const char* kMerges = "tokenizer.ggml.merges";
inline constexpr const char* kAddBos = "tokenizer.ggml.add_bos_token";
inline constexpr const char* kAddEos = "tokenizer.ggml.add_eos_token";
inline constexpr const char* kBosId = "tokenizer.ggml.bos_token_id";
inline constexpr const char* kUnknownId = "tokenizer.ggml.unknown_token_id";
inline constexpr const char* kEosId = "tokenizer.ggml.eos_token_id";
inline constexpr const char* kChatTemplate = "tokenizer.chat_template";
// Ours, as GGUF has no place for them.
inline constexpr const char* kNormalize = "bantam.tokenizer.normalize";  // see text/normalizer.h
inline constexpr const char* kSpacePrefixOnce = "bantam.tokenizer.space_prefix_once";
inline constexpr const char* kWordPatterns = "bantam.tokenizer.word_patterns";
inline constexpr const char* kWholeWordsFirst = "bantam.tokenizer.whole_words_first";
inline constexpr const char* kLstripIds = "bantam.tokenizer.lstrip_token_ids";
inline constexpr const char* kRstripIds = "bantam.tokenizer.rstrip_token_ids";
inline constexpr const char* kSingleWordIds = "bantam.tokenizer.single_word_token_ids";

enum TokenType : int64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

// Hugging Face's name of a special token and GGUF's key of its id.
inline constexpr std::pair<const char*, const char*> kSpecialTokens[] = {
    {"bos_token", kBosId},
    {"eos_token", kEosId},
    {"unk_token", kUnknownId},
    {"pad_token", "tokenizer.ggml.padding_token_id"}};

}  // namespace bantam::ggml
