// Texts by their bytes, for finding the longest of many that stands somewhere in another.
#pragma once

#include <cstdint>
#include <string_view>

#include "text/merge.h"

namespace bantam {

// Nodes are numbered from 0, the root, in the order in which texts made them.
class ByteTrie {
 public:
  // Room for `bytes` of texts together.
  explicit ByteTrie(size_t bytes = 0) : children_(bytes) {}

  // The node of `text`, which is made with those on the way to it where they are missing.
  int32_t insert(std::string_view text) {
    int32_t node = 0;
    for (const char byte : text) {
      if (children_.insert(node, static_cast<uint8_t>(byte), {0, nodes_})) {
        node = nodes_++;
      } else {
        node = child(node, byte);
      }
    }
    return node;
  }

  // Negative when no text goes on like that.
  int32_t child(int32_t node, char byte) const {
    const Merge* found = children_.find(node, static_cast<uint8_t>(byte));
    return found ? found->id : -1;
  }

  size_t nodes() const { return static_cast<size_t>(nodes_); }

 private:
  MergeTable children_;  // (node, byte) -> child
  int32_t nodes_ = 1;
};

}  // namespace bantam
