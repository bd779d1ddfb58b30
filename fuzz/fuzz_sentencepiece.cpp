// Any bytes are a SentencePiece `.model` or refused with an Error; a vocabulary that was read becomes a tokenizer that
// encodes, or is refused the same way.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "formats/sentencepiece_model.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bantam;
  Metadata metadata("fuzz");
  try {
    read_sentencepiece_model(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz", metadata);
    const Tokenizer tokenizer = Tokenizer::from_metadata(metadata);
    const auto ids = tokenizer.encode("The cat  sat,\n\uD559\uAD50 1984");
    for (const int32_t id : ids) {
      if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
    }
    tokenizer.decode(ids);
  } catch (const Error&) {
  }
  return 0;
}
