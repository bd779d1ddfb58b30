// Text that remembers, byte by byte, whether the template wrote it or somebody outside did.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bantam::jinja {

// Who wrote a byte: the template and the model's own files, or a message, a tool, a document.
enum class Origin : uint8_t { trusted, outside };

class Text {
 public:
  Text() = default;
  explicit Text(std::string bytes, Origin origin = Origin::trusted)
      : bytes_(std::move(bytes)), outside_(origin == Origin::outside ? bytes_.size() : 0, '\1') {}

  const std::string& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  Origin origin(size_t i) const { return outside_.empty() || !outside_[i] ? Origin::trusted : Origin::outside; }

  void append(std::string_view bytes, Origin origin = Origin::trusted) {
    if (origin == Origin::outside && outside_.empty()) outside_.assign(bytes_.size(), '\0');
    bytes_ += bytes;
    if (origin == Origin::outside || !outside_.empty()) {
      outside_.append(bytes.size(), origin == Origin::outside ? '\1' : '\0');
    }
  }
  // The bytes [begin, begin + count) of `other`, as far as it has them.
  void append(const Text& other, size_t begin = 0, size_t count = std::string::npos) {
    if (!other.outside_.empty() && outside_.empty()) outside_.assign(bytes_.size(), '\0');
    const size_t before = bytes_.size();
    bytes_.append(other.bytes_, begin, count);
    if (!other.outside_.empty()) {
      outside_.append(other.outside_, begin, count);
    } else if (!outside_.empty()) {
      outside_.append(bytes_.size() - before, '\0');
    }
  }
  Text slice(size_t begin, size_t count = std::string::npos) const {
    Text part;
    part.append(*this, begin, count);
    return part;
  }

 private:
  std::string bytes_;
  std::string outside_;  // parallel to bytes_: 1 where the byte came from outside; empty when none did
};

}  // namespace bantam::jinja
