// Passages of an index with their text, each piece of a document decompressed once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "retrieval/index_state.h"

namespace bantam {

class PassageReader {
 public:
  // With `skip_repeated`, a passage of the same words as one read before is not read.
  PassageReader(Index::State& state, bool skip_repeated)
      : state_(state), skip_repeated_(skip_repeated), source_(state.database.path().string()) {}

  // All of `hit` but its score; false when it was skipped. Throws FormatError when the index is damaged.
  bool read(int64_t passage, Hit& hit);

 private:
  using Chunk = std::pair<size_t, std::string>;  // its first byte in the document, its text
  const Chunk& chunk(int64_t id);

  Index::State& state_;
  bool skip_repeated_;
  std::string source_;
  std::map<int64_t, Chunk> chunks_;
  std::set<int64_t> seen_;  // PreparedPassage::content
};

}  // namespace bantam
