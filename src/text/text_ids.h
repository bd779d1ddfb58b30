// Which token has a text: a table that is quick to make, for vocabularies of some hundred thousand tokens.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/page_buffer.h"

namespace bantam {

// Keeps ids only; the texts stay in the vocabulary, which is given to every call and must be the same.
class TextIds {
 public:
  using Texts = std::span<const std::string>;

  // Room for `count` texts.
  explicit TextIds(size_t count = 0) {
    const size_t slots = std::bit_ceil(std::max<size_t>(count + count / 2, 2));
    reserve_large(slots_, slots);
    slots_.resize(slots);
  }

  // The id of texts[id], in the place of an earlier one with the same text. Returns false where there was one.
  bool set(Texts texts, int32_t id) {
    const std::string_view text = texts[static_cast<size_t>(id)];
    const uint32_t hash = hash_of(text);
    Slot& slot = slots_[place_of(texts, text, hash)];
    const bool is_new = slot.id < 0;
    slot = {hash, id};
    return is_new;
  }

  // -1 where there is none.
  int32_t find(Texts texts, std::string_view text) const { return slots_[place_of(texts, text, hash_of(text))].id; }

  // find() of each text: faster than one after the other, because what one has to wait for is asked for early.
  void find_each(Texts texts, std::span<const std::string_view> wanted, int32_t* ids) const {
    constexpr size_t kAhead = 32;
    std::array<uint32_t, kAhead> hashes;
    for (size_t first = 0; first < wanted.size(); first += kAhead) {
      const auto some = wanted.subspan(first, std::min(kAhead, wanted.size() - first));
      for (size_t i = 0; i < some.size(); ++i) {
        hashes[i] = hash_of(some[i]);
        __builtin_prefetch(&slots_[hashes[i] & (slots_.size() - 1)]);
      }
      for (size_t i = 0; i < some.size(); ++i) {
        const Slot& slot = slots_[hashes[i] & (slots_.size() - 1)];
        if (slot.id >= 0) __builtin_prefetch(&texts[static_cast<size_t>(slot.id)]);
      }
      for (size_t i = 0; i < some.size(); ++i) ids[first + i] = slots_[place_of(texts, some[i], hashes[i])].id;
    }
  }

  // Calls f(id) for each text's id, in no particular order.
  template <class F>
  void for_each(F&& f) const {
    for (const Slot& slot : slots_) {
      if (slot.id >= 0) f(slot.id);
    }
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;
  };

  static uint32_t hash_of(std::string_view text) { return static_cast<uint32_t>(std::hash<std::string_view>()(text)); }

  // Where the text is, or would be.
  size_t place_of(Texts texts, std::string_view text, uint32_t hash) const {
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at].id >= 0 && (slots_[at].hash != hash || texts[static_cast<size_t>(slots_[at].id)] != text)) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return at;
  }

  std::vector<Slot> slots_;  // open addressing, at most two thirds full; the size is a power of two
};

}  // namespace bantam
