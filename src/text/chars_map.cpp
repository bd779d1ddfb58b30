#include "text/chars_map.h"

#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/utf8.h"

namespace bantam {
namespace {

static_assert(std::endian::native == std::endian::little);

// More than any character becomes in the tables of published models (U+FDFA: 33), so that text cannot grow without end.
constexpr size_t kLongestText = 256;

constexpr uint32_t kValueBit = uint32_t{1} << 31;

uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
uint32_t label_of(uint32_t unit) { return unit & (kValueBit | 0xFF); }
bool ends_a_text(uint32_t unit) { return unit >> 8 & 1; }

}  // namespace

CharsMap::CharsMap(std::string_view bytes, std::string_view source) {
  if (bytes.empty()) return;
  uint32_t trie_bytes = 0;
  if (bytes.size() >= 4) std::memcpy(&trie_bytes, bytes.data(), 4);
  if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > bytes.size() - 4) {
    throw FormatError("{}: the table of characters has {} bytes and says that {} of them are a trie", source,
                      bytes.size(), trie_bytes);
  }
  units_.resize(trie_bytes / 4);
  std::memcpy(units_.data(), &bytes[4], trie_bytes);
  texts_ = bytes.substr(4 + trie_bytes);
  if (!texts_.ends_with('\0')) throw FormatError("{}: the texts of the table of characters do not end in 0", source);
  for (size_t begin = 0, end = 0; begin < texts_.size(); begin = end + 1) {
    end = texts_.find('\0', begin);
    if (end - begin > kLongestText) {
      throw FormatError("{}: a text of the table of characters has {} bytes, expected at most {}", source, end - begin,
                        kLongestText);
    }
  }
}

std::optional<CharsMap::Found> CharsMap::longest(std::string_view text) const {
  std::optional<Found> found;
  if (units_.empty()) return found;
  size_t node = offset_of(units_[0]);
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<uint8_t>(text[at]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
    const bool ends = ends_a_text(units_[node]);
    node ^= offset_of(units_[node]);
    if (!ends) continue;
    const size_t value = node < units_.size() ? units_[node] ^ kValueBit : texts_.size();
    if (value >= texts_.size()) break;  // no value of a table that was made for it
    found = Found{at + 1, &texts_[value]};
  }
  return found;
}

std::string CharsMap::normalize(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t taken = 1;
    if (const auto found = longest(text)) {
      out += found->text;
      taken = found->bytes;
    } else if (const auto next = decode_utf8(text)) {
      taken = static_cast<size_t>(next->bytes);
      out += text.substr(0, taken);
    } else {
      out += "\uFFFD";
    }
    text.remove_prefix(taken);
  }
  return out;
}

}  // namespace bantam
