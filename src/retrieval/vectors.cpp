#include "retrieval/vectors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "retrieval/postings.h"

namespace bantam {
namespace {

// Codes added up at a time, so that the compiler does it in vector registers.
constexpr size_t kStep = 32;

int32_t dot(const int8_t* a, const int8_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; i += kStep) {
    int32_t part = 0;
    for (size_t j = 0; j < kStep; ++j) part += static_cast<int16_t>(a[i + j]) * static_cast<int16_t>(b[i + j]);
    sum += part;
  }
  return sum;
}

// As stored: the scale, then the codes.
std::vector<std::byte> bytes_of(const CodedVector& vector) {
  std::vector<std::byte> out(sizeof vector.scale + vector.codes.size());
  std::memcpy(out.data(), &vector.scale, sizeof vector.scale);
  std::memcpy(out.data() + sizeof vector.scale, vector.codes.data(), vector.codes.size());
  return out;
}

void check_length(const Database& database, size_t found, size_t wanted) {
  if (found == wanted) return;
  throw UsageError("{}: its vectors have {} values, the embedder gives {}; index again with this embedder",
                   database.path().string(), wanted, found);
}

}  // namespace

CodedVector code_vector(std::span<const float> vector) {
  double squares = 0;
  float largest = 0;
  for (const float v : vector) {
    if (!std::isfinite(v)) throw UsageError("the embedder gave a vector with a value that is no number");
    squares += static_cast<double>(v) * v;
    largest = std::max(largest, std::fabs(v));
  }
  if (largest == 0) throw UsageError("the embedder gave a vector of zeros");
  CodedVector out;
  out.scale = static_cast<float>(largest / 127 / std::sqrt(squares));
  for (const float v : vector) out.codes.push_back(static_cast<int8_t>(std::lround(v / largest * 127)));
  return out;
}

const char* Vectors::schema() {
  return "CREATE TABLE IF NOT EXISTS vectors(passage INTEGER PRIMARY KEY, vector BLOB);"
         "CREATE TABLE IF NOT EXISTS embedder(name TEXT);";
}

std::optional<std::string> Vectors::embedder() const {
  // Indexes made before there were embedders have no such table until they are written to.
  if (database_.integer("SELECT count(*) FROM sqlite_master WHERE name = 'embedder'") == 0) return std::nullopt;
  SqlStatement name = database_.prepare("SELECT name FROM embedder");
  if (!name.step()) return std::nullopt;
  return std::string(name.text(0));
}

void Vectors::begin(const std::string& name) {
  if (embedder() == name) return;
  forget();
  database_.run("DELETE FROM vectors; DELETE FROM embedder");
  database_.prepare("INSERT INTO embedder VALUES(?)").run(std::string_view(name));
}

size_t Vectors::length() const {
  const int64_t bytes = database_.integer("SELECT length(vector) FROM vectors LIMIT 1");
  return static_cast<size_t>(std::max<int64_t>(0, bytes - static_cast<int64_t>(sizeof(float))));
}

void Vectors::put(int64_t passage, const CodedVector& vector) {
  if (const size_t others = length(); others != 0) check_length(database_, vector.codes.size(), others);
  forget();
  const std::vector<std::byte> bytes = bytes_of(vector);
  database_.prepare("INSERT OR REPLACE INTO vectors VALUES(?, ?)").run(passage, std::span<const std::byte>(bytes));
}

void Vectors::remove(int64_t first, int64_t last) {
  forget();
  database_.prepare("DELETE FROM vectors WHERE passage >= ? AND passage < ?").run(first, last);
}

int64_t Vectors::count() const { return database_.integer("SELECT count(*) FROM vectors"); }

void Vectors::load() {
  length_ = length();
  stride_ = (length_ + kStep - 1) / kStep * kStep;
  passages_.clear();
  scales_.clear();
  codes_.assign(static_cast<size_t>(count()) * stride_, 0);
  SqlStatement all = database_.prepare("SELECT passage, vector FROM vectors ORDER BY passage");
  while (all.step()) {
    const auto blob = all.blob(1);
    if (blob.size() != sizeof(float) + length_) fail_damaged(database_.path().string());
    float scale;
    std::memcpy(&scale, blob.data(), sizeof scale);
    std::memcpy(codes_.data() + passages_.size() * stride_, blob.data() + sizeof scale, length_);
    passages_.push_back(all.integer(0));
    scales_.push_back(scale);
  }
  loaded_ = true;
}

std::vector<Similarity> Vectors::compare(const CodedVector& query) {
  if (!loaded_) load();
  std::vector<Similarity> out;
  if (passages_.empty()) return out;
  check_length(database_, query.codes.size(), length_);
  std::vector<int8_t> codes = query.codes;
  codes.resize(stride_, 0);
  out.reserve(passages_.size());
  for (size_t i = 0; i < passages_.size(); ++i) {
    const int32_t product = dot(codes.data(), codes_.data() + i * stride_, stride_);
    out.push_back({passages_[i], static_cast<float>(product) * query.scale * scales_[i]});
  }
  return out;
}

}  // namespace bantam
