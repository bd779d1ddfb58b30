#include "retrieval/segments.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/error.h"

namespace bantam {
namespace {

// More segments than this are joined, as each costs every query a look; while an update writes, more are let stand.
constexpr size_t kMostSegments = 8, kMostSegmentsWhileWriting = 24;

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

template <class T>
std::vector<T> values_of(std::span<const std::byte> bytes) {
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Goes through a segment's entries in the order of their terms.
class SegmentReader {
 public:
  SegmentReader(Database& database, const Segment& segment)
      : database_(database), segment_(segment), read_(database.prepare("SELECT data FROM blocks WHERE id = ?")) {
    next();
  }
  const std::optional<Entry>& entry() const { return entry_; }
  const Segment& segment() const { return segment_; }
  void next() {
    entry_ = next_entry(rest_, database_.path().string());
    while (!entry_ && block_number_ < segment_.directory.size()) {
      read_.bind_all(segment_.first_block + static_cast<int64_t>(block_number_++));
      if (!read_.step()) fail_damaged(database_.path().string());
      block_ = text_of(read_.blob(0));
      read_.reset();
      rest_ = block_;
      entry_ = next_entry(rest_, database_.path().string());
    }
  }

 private:
  Database& database_;
  const Segment& segment_;
  SqlStatement read_;
  size_t block_number_ = 0;
  std::string block_;
  std::string_view rest_;
  std::optional<Entry> entry_;
};

}  // namespace

const char* Segments::schema() {
  return "CREATE TABLE segments(id INTEGER PRIMARY KEY, first INTEGER, count INTEGER, first_block INTEGER,"
         " directory BLOB, lengths BLOB);"
         "CREATE TABLE blocks(id INTEGER PRIMARY KEY, data BLOB);";
}

Segments::Segments(Database& database)
    : database_(database),
      read_block_(database.prepare("SELECT data FROM blocks WHERE id = ?")),
      add_block_(database.prepare("INSERT INTO blocks VALUES(?, ?)")),
      add_segment_(database.prepare("INSERT INTO segments VALUES(NULL, ?, ?, ?, ?, ?)")),
      set_lengths_(database.prepare("UPDATE segments SET lengths = ? WHERE id = ?")),
      drop_blocks_(database.prepare("DELETE FROM blocks WHERE id >= ? AND id < ?")),
      drop_segment_(database.prepare("DELETE FROM segments WHERE id = ?")) {}

void Segments::load() {
  list_.clear();
  SqlStatement all =
      database_.prepare("SELECT id, first, count, first_block, directory, lengths FROM segments ORDER BY first");
  while (all.step()) {
    Segment s;
    s.id = all.integer(0);
    s.first = all.integer(1);
    const int64_t count = all.integer(2);
    s.first_block = all.integer(3);
    s.directory = values_of<uint64_t>(all.blob(4));
    s.lengths = values_of<uint16_t>(all.blob(5));
    if (s.first != next_passage() || count != static_cast<int64_t>(s.lengths.size()) || count > INT32_MAX) {
      fail_damaged(database_.path().string());
    }
    s.count = static_cast<uint32_t>(count);
    list_.push_back(std::move(s));
  }
  count_passages();
}

void Segments::count_passages() {
  passages_ = total_length_ = 0;
  for (Segment& s : list_) {
    s.gone = static_cast<uint32_t>(std::count(s.lengths.begin(), s.lengths.end(), 0));
    passages_ += s.count - s.gone;
    total_length_ += std::accumulate(s.lengths.begin(), s.lengths.end(), int64_t{0});
  }
}

int64_t Segments::next_passage() const { return list_.empty() ? 1 : list_.back().first + list_.back().count; }

double Segments::mean_length() const {
  return passages_ == 0 ? 1.0 : static_cast<double>(total_length_) / static_cast<double>(passages_);
}

// Writes the row; its blocks are there.
void Segments::store(Segment& segment) {
  segment.id = add_segment_.run(segment.first, static_cast<int64_t>(segment.count), segment.first_block,
                                bytes_of(segment.directory), bytes_of(segment.lengths));
}

void Segments::add(std::vector<Posting>& postings, std::vector<uint16_t> lengths) {
  if (lengths.empty()) return;
  Segment s;
  s.first = next_passage();
  s.first_block = database_.integer("SELECT max(id) FROM blocks") + 1;
  s.count = static_cast<uint32_t>(lengths.size());
  s.lengths = std::move(lengths);
  BlockWriter writer([&](uint64_t first, std::string_view bytes) {
    add_block_.run(s.first_block + static_cast<int64_t>(s.directory.size()), std::as_bytes(std::span(bytes)));
    s.directory.push_back(first);
  });
  write_segment(postings, writer);
  store(s);
  list_.push_back(std::move(s));
  count_passages();
}

void Segments::remove(int64_t first, int64_t last) {
  for (Segment& s : list_) {
    const int64_t begin = std::max(first, s.first), end = std::min(last, s.first + s.count);
    if (begin >= end) continue;
    std::fill(s.lengths.begin() + (begin - s.first), s.lengths.begin() + (end - s.first), uint16_t{0});
    set_lengths_.run(bytes_of(s.lengths), s.id);
  }
  count_passages();
}

// Joins segments [begin, end) of the list into one, leaving out what is gone.
Segment Segments::join(size_t begin, size_t end) {
  const std::string source = database_.path().string();
  Segment out;
  out.first = list_[begin].first;
  out.first_block = database_.integer("SELECT max(id) FROM blocks") + 1;
  std::vector<SegmentReader> readers;
  std::vector<std::function<bool(uint32_t)>> alive;
  readers.reserve(end - begin);  // they must not move: entries look into their blocks
  alive.reserve(end - begin);
  for (size_t i = begin; i < end; ++i) {
    const Segment& s = list_[i];
    out.count += s.count;
    out.lengths.insert(out.lengths.end(), s.lengths.begin(), s.lengths.end());
    alive.emplace_back([&s](uint32_t passage) { return s.lengths[passage] != 0; });
    readers.emplace_back(database_, s);
  }
  BlockWriter writer([&](uint64_t first, std::string_view bytes) {
    add_block_.run(out.first_block + static_cast<int64_t>(out.directory.size()), std::as_bytes(std::span(bytes)));
    out.directory.push_back(first);
  });
  EntryJoiner joiner;
  for (;;) {
    std::optional<uint64_t> term;
    for (const SegmentReader& r : readers) {
      if (r.entry() && (!term || r.entry()->term < *term)) term = r.entry()->term;
    }
    if (!term) break;
    joiner.clear();
    for (size_t i = 0; i < readers.size(); ++i) {
      SegmentReader& r = readers[i];
      if (!r.entry() || r.entry()->term != *term) continue;
      const Segment& s = r.segment();
      joiner.append(*r.entry(), static_cast<uint32_t>(s.first - out.first), source, s.gone > 0 ? &alive[i] : nullptr,
                    s.count);
      r.next();
    }
    if (joiner.passages() > 0) writer.add(*term, joiner.passages(), joiner.last(), joiner.postings());
  }
  writer.finish();
  return out;
}

bool Segments::merge(bool thorough) {
  if (list_.size() <= (thorough ? kMostSegments : kMostSegmentsWhileWriting)) return false;
  // The newest, and every older one not larger than twice those behind it: a posting is copied a logarithmic number of
  // times, and at least half the list goes.
  size_t begin = list_.size() - 1;
  uint64_t behind = list_[begin].count;
  while (begin > 0 && (list_[begin - 1].count <= 2 * behind || begin > kMostSegments / 2)) {
    behind += list_[--begin].count;
  }
  if (list_.size() - begin < 2) return false;
  Segment joined = join(begin, list_.size());
  for (size_t i = begin; i < list_.size(); ++i) {
    const Segment& s = list_[i];
    drop_blocks_.run(s.first_block, s.first_block + static_cast<int64_t>(s.directory.size()));
    drop_segment_.run(s.id);
  }
  store(joined);
  list_.resize(begin);
  list_.push_back(std::move(joined));
  count_passages();
  return true;
}

std::vector<TermPostings> Segments::find(uint64_t term) {
  std::vector<TermPostings> out;
  const std::string source = database_.path().string();
  for (const Segment& s : list_) {
    const auto after = std::upper_bound(s.directory.begin(), s.directory.end(), term);
    if (after == s.directory.begin()) continue;
    read_block_.bind_all(s.first_block + (after - s.directory.begin()) - 1);
    if (!read_block_.step()) fail_damaged(source);
    const std::string_view block = text_of(read_block_.blob(0));
    if (const auto entry = find_entry(block, term, source)) {
      TermPostings found{&s, std::string(entry->postings), *entry};
      out.push_back(std::move(found));
      out.back().entry.postings = {};
    }
    read_block_.reset();
  }
  for (TermPostings& t : out) t.entry.postings = t.bytes;  // where it lies for good
  return out;
}

void Segments::check() {
  const std::string source = database_.path().string();
  for (const Segment& s : list_) {
    uint64_t before = 0;
    for (SegmentReader reader(database_, s); reader.entry(); reader.next()) {
      uint32_t count = 0, last = 0;
      for_each_posting(*reader.entry(), s.count, source, [&](uint32_t passage, TermUse) {
        ++count;
        last = passage;
      });
      if (count != reader.entry()->passages || last != reader.entry()->last || reader.entry()->term < before) {
        fail_damaged(source);
      }
      before = reader.entry()->term;
    }
  }
}

}  // namespace bantam
