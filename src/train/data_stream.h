// Packs the documents of several sources into rows for training, shuffled, mixed and without an end.
#pragma once

#include <cstdint>
#include <vector>

#include "train/token_file.h"

namespace bantam {

// What a step trains on: `inputs` and the token after each, -1 where it is not to be predicted. Each piece is a run of
// consecutive inputs of one document and becomes one slice, so that no token sees another document.
struct TrainingRows {
  struct Piece {
    int begin, count;
  };
  std::vector<int32_t> inputs, targets;
  std::vector<uint8_t> tags;  // of each input, for examples of reading: see reading_tags.h
  std::vector<Piece> pieces;
  int rows = 0;

  // What the loss is a mean over: targets, or examples of reading.
  int64_t counted_targets() const;
};

// A mapped source and the share of rows it gives; shares are relative to each other.
struct DataSource {
  TokenFile file;
  double share = 1;
};

// Each epoch of a source goes through its documents in an order that depends only on (seed, source, epoch). Plain text
// is cut where a row ends and goes on in the source's next row without what came before, so each token but a document's
// first is predicted exactly once per epoch. Documents with uncounted tokens (questions and answers) are never cut: one
// that does not fit the rest of a row begins the next one, and one longer than a row is left out.
class DataStream {
 public:
  // Where each source stands: all that must be saved to continue.
  struct Position {
    uint64_t epoch = 0, document = 0, offset = 0;
    uint64_t tokens = 0;  // given so far
    bool operator==(const Position&) const = default;
  };

  // Rows hold up to `context` tokens. Throws UsageError when a source has no document that fits.
  DataStream(std::vector<DataSource> sources, int context, uint64_t seed);

  // Appends one row of the source that is furthest behind its share.
  void next_row(TrainingRows& rows);

  const std::vector<Position>& positions() const { return positions_; }
  // Throws FormatError when they cannot be positions of these sources.
  void set_positions(const std::vector<Position>& positions);

  const std::vector<DataSource>& sources() const { return sources_; }
  // Documents of source s that do not fit a row and are left out.
  uint64_t left_out(size_t s) const { return left_out_[s]; }
  // Tokens of all sources that one epoch of each would train on.
  uint64_t tokens() const;

 private:
  bool fits(size_t s, size_t document) const;
  void shuffle(size_t s);
  void next_document(size_t s);
  size_t source_behind() const;

  std::vector<DataSource> sources_;
  size_t context_;
  uint64_t seed_;
  std::vector<Position> positions_;
  std::vector<std::vector<uint32_t>> order_;  // this epoch's documents, by source
  std::vector<uint64_t> left_out_;
};

// Shares for sources of the given sizes in tokens; a negative wanted share means none was given. Wanted shares in (0,
// 1] are kept and the rest is split by size; when all are given they are relative. Throws UsageError when nothing is
// left for a source without a share.
std::vector<double> resolve_shares(const std::vector<double>& wanted, const std::vector<uint64_t>& tokens);

}  // namespace bantam
