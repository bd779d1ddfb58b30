// Any bytes are a GGUF file or refused with an Error.
#include "base/error.h"
#include "check_model_file.h"
#include "formats/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    check_model_file(bantam::read_gguf(std::as_bytes(std::span(data, size)), "fuzz"));
  } catch (const bantam::Error&) {
  }
  return 0;
}
