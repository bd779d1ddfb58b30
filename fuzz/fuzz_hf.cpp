// Any text is a config.json and a tokenizer.json or refused with an Error; a config that was read can be written.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "formats/hf_config.h"
#include "formats/hf_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bantam::Metadata metadata("fuzz");
  try {
    bantam::read_hf_config(text, "fuzz", metadata);
    bantam::hf_config_text(metadata);
  } catch (const bantam::Error&) {
  }
  try {
    bantam::read_hf_tokenizer_json(text, "fuzz", metadata);
  } catch (const bantam::Error&) {
  }
  return 0;
}
