// Texts and vocabularies nobody planned: encoding never crashes and comes back, broken metadata is a typed error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/bpe_trainer.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace {

using namespace bantam;

void require(bool holds) {
  if (!holds) std::abort();
}

// Takes bytes from the front until there are none; then zeros.
struct Input {
  std::string_view rest;

  uint8_t byte() {
    if (rest.empty()) return 0;
    const auto first = static_cast<uint8_t>(rest[0]);
    rest.remove_prefix(1);
    return first;
  }
  std::string text() {
    const std::string_view taken = rest.substr(0, byte() % 16u);
    rest.remove_prefix(taken.size());
    return std::string(taken);
  }
};

void check_stream(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  StreamDecoder decoder(tokenizer);
  std::string streamed;
  for (const int32_t id : ids) streamed += decoder.push(id);
  streamed += decoder.finish();
  const std::string decoded = tokenizer.decode(ids);
  require(streamed.size() >= decoded.size());
}

void encode_with_trained_vocabulary(std::string_view text) {
  static const Tokenizer tokenizer = [] {
    BpeTrainer trainer({.vocab_size = 300});
    trainer.add("the cat sat on the mat; that hat. 나는 학교에 갔다. 나는 책을 읽었다.");
    return trainer.train();
  }();
  const std::vector<int32_t> ids = tokenizer.encode(text);
  for (const int32_t id : ids) require(!tokenizer.is_control(id));
  require(tokenizer.decode(ids) == to_nfc(text));
  check_stream(tokenizer, ids);
  check_stream(tokenizer, tokenizer.encode(text, {.add_bos = true, .add_eos = true, .parse_special = true}));
}

Metadata vocabulary_from(Input& input) {
  static constexpr const char* kPre[] = {"gpt-2", "llama-bpe", "qwen2", "starcoder", "deepseek-llm", "default"};
  Metadata metadata("fuzz");
  const uint8_t shape = input.byte();
  metadata.set("tokenizer.ggml.model", std::string(shape & 1 ? "llama" : shape & 2 ? "other" : "gpt2"));
  metadata.set("tokenizer.ggml.pre", std::string(kPre[input.byte() % std::size(kPre)]));
  metadata.set("tokenizer.ggml.add_space_prefix", (shape & 4) != 0);
  metadata.set("tokenizer.ggml.remove_extra_whitespaces", (shape & 8) != 0);
  if (shape & 16) metadata.set("bantam.tokenizer.normalize", std::string("nfc"));
  std::vector<std::string> tokens, merges;
  std::vector<int64_t> types;
  std::vector<double> scores;
  for (int count = input.byte() % 32; count > 0; --count) {
    tokens.push_back(input.text());
    types.push_back(input.byte() % 8);
    scores.push_back(input.byte() % 4);
    if (shape & 32) merges.push_back(input.text() + " " + input.text());
  }
  if (shape & 64) {
    Metadata bytes;
    BpeTrainer({.vocab_size = 259}).train().to_metadata(bytes);
    for (const std::string& token : bytes.strings("tokenizer.ggml.tokens")) {
      tokens.push_back(token);
      types.push_back(1);
      scores.push_back(0);
    }
  }
  metadata.set("tokenizer.ggml.tokens", std::move(tokens));
  metadata.set("tokenizer.ggml.token_type", std::move(types));
  metadata.set("tokenizer.ggml.scores", std::move(scores));
  metadata.set("tokenizer.ggml.merges", std::move(merges));
  for (const char* name : {"bos", "eos", "unknown"}) {
    metadata.set(std::string("tokenizer.ggml.") + name + "_token_id", int64_t{input.byte() % 40} - 1);
  }
  return metadata;
}

void encode_with_any_vocabulary(Input input) {
  try {
    const Tokenizer tokenizer = Tokenizer::from_metadata(vocabulary_from(input));
    const std::vector<int32_t> ids = tokenizer.encode(input.rest, {.parse_special = true});
    check_stream(tokenizer, ids);
    Metadata saved;
    tokenizer.to_metadata(saved);
    require(Tokenizer::from_metadata(saved).encode(input.rest, {.parse_special = true}) == ids);
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] & 1) {
    encode_with_trained_vocabulary(rest);
  } else {
    encode_with_any_vocabulary({rest});
  }
  return 0;
}
