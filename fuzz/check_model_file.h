// What must hold of every model file that a reader accepts.
#pragma once

#include <cstdint>
#include <span>

#include "formats/model_file.h"

// Every tensor has the bytes its shape asks for, can be read to the last one, and is found by its name.
inline void check_model_file(const bantam::ModelFile& file) {
  uint8_t sum = 0;
  for (const bantam::NamedTensor& tensor : file.tensors()) {
    if (tensor.bytes.size() != bantam::tensor_bytes("", tensor.name, tensor.dtype, tensor.shape)) __builtin_trap();
    if (file.find(tensor.name) != &tensor) __builtin_trap();
    for (const std::byte byte : tensor.bytes) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(byte));
  }
  static volatile uint8_t keep;
  keep = sum;
}
