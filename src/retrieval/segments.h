// The search structure inside an index file: a list of segments, each the postings of a run of passages (postings.h).
// Used by the index; whoever calls holds the transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "retrieval/postings.h"
#include "retrieval/sqlite.h"

namespace bantam {

// Passages [first, first + count) of the index.
struct Segment {
  int64_t id = 0, first = 0, first_block = 0;
  uint32_t count = 0;
  uint32_t gone = 0;                // passages whose file has left or changed
  std::vector<uint64_t> directory;  // the hash each block begins with
  std::vector<uint16_t> lengths;    // terms of each passage; 0: gone
};

// A term's postings in one segment, which own their bytes.
struct TermPostings {
  const Segment* segment = nullptr;
  std::string bytes;
  Entry entry;
};

class Segments {
 public:
  static const char* schema();

  // Empty until load().
  explicit Segments(Database& database);

  // Reads the list. Throws FormatError when it is damaged.
  void load();

  int64_t next_passage() const;
  int64_t passages() const { return passages_; }  // that are not gone
  double mean_length() const;                     // terms per passage; 1 when there is none
  const std::vector<Segment>& list() const { return list_; }

  // Adds postings whose passages count from 0, the first of which is next_passage().
  void add(std::vector<Posting>& postings, std::vector<uint16_t> lengths);
  // Takes passages [first, last) out of searches.
  void remove(int64_t first, int64_t last);
  // Joins neighbouring segments until few are left; `thorough` joins those of one update too. True if it did anything.
  bool merge(bool thorough);

  std::vector<TermPostings> find(uint64_t term);

  // Reads everything. Throws FormatError when it is damaged.
  void check();

 private:
  void store(Segment& segment);
  void count_passages();
  Segment join(size_t begin, size_t end);

  Database& database_;
  SqlStatement read_block_, add_block_, add_segment_, set_lengths_, drop_blocks_, drop_segment_;
  std::vector<Segment> list_;  // by first passage
  int64_t passages_ = 0, total_length_ = 0;
};

}  // namespace bantam
