// Protocol buffers, written by hand: SentencePiece's `.model` files for the tables of bad ones.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace bantam::torture::proto {

inline std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

inline std::string number(uint64_t field, uint64_t value) { return varint(field << 3) + varint(value); }
inline std::string text(uint64_t field, const std::string& bytes) {
  return varint(field << 3 | 2) + varint(bytes.size()) + bytes;
}
inline std::string four_bytes(uint64_t field, float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  std::string bytes = varint(field << 3 | 5);
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(bits >> shift));
  return bytes;
}

// A piece of the vocabulary: its text, score and type.
inline std::string piece(const std::string& content, float score, uint64_t type) {
  return text(1, text(1, content) + four_bytes(2, score) + number(3, type));
}

}  // namespace bantam::torture::proto
