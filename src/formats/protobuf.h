// A reader for the wire format of protocol buffers: fields one after the other, bounds checked. For the .cpp files of
// this folder.                                                     Source: protobuf.dev/programming-guides/encoding
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace bantam {

struct ProtobufField {
  uint32_t number = 0;
  uint8_t wire_type = 0;   // 0 varint, 1 eight bytes, 2 a string or message, 5 four bytes
  uint64_t value = 0;      // of wire types 0, 1 and 5
  std::string_view bytes;  // of wire type 2

  float as_float() const { return std::bit_cast<float>(static_cast<uint32_t>(value)); }
};

class ProtobufReader {
 public:
  // `message` lies at byte `offset` of the file that `source` names.
  ProtobufReader(std::string_view message, const std::string& source, size_t offset = 0)
      : rest_(message), source_(source), offset_(offset) {}

  // Nothing at the end. Throws FormatError when a field is cut off or of a wire type that is not used any more.
  std::optional<ProtobufField> next() {
    if (rest_.empty()) return std::nullopt;
    const uint64_t tag = varint();
    ProtobufField field{static_cast<uint32_t>(tag >> 3), static_cast<uint8_t>(tag & 7), 0, {}};
    if (tag >> 3 == 0 || tag >> 32 != 0) throw broken("has no valid field number");
    switch (field.wire_type) {
      case 0:
        field.value = varint();
        return field;
      case 1:
        field.value = little_endian(8);
        return field;
      case 2:
        field.bytes = take(varint());
        return field;
      case 5:
        field.value = little_endian(4);
        return field;
      default:
        throw broken("has a wire type that no field may have");
    }
  }

  // Where reading has come to, from the start of the file.
  size_t offset() const { return offset_; }

 private:
  FormatError broken(std::string_view what) const {
    return FormatError("{}: the field before byte {} {}; is it a SentencePiece model?", source_, offset_, what);
  }

  std::string_view take(uint64_t count) {
    if (count > rest_.size()) throw broken("ends behind the end of its message");
    const std::string_view taken = rest_.substr(0, static_cast<size_t>(count));
    rest_.remove_prefix(taken.size());
    offset_ += taken.size();
    return taken;
  }

  uint64_t little_endian(size_t count) {
    uint64_t value = 0;
    std::memcpy(&value, take(count).data(), count);
    return value;
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    throw broken("has a number of more than ten bytes");
  }

  std::string_view rest_;
  const std::string& source_;
  size_t offset_;
};

}  // namespace bantam
