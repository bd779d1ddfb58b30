// Passages by meaning: one int8 vector each, compared with a query's one by one, so that the nearest are exactly that.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/sqlite.h"

namespace bantam {

// A model that turns texts into vectors; texts of like meaning into near ones.
struct Embedder {
  std::string name;  // vectors of different embedders are not compared
  // Any length but always the same; the vector need not be scaled. Throws as the model does.
  std::function<std::vector<float>(std::string_view text)> embed;
};

// A vector scaled to length 1: value i is codes[i] * scale.
struct CodedVector {
  float scale = 0;
  std::vector<int8_t> codes;
};
// Rounds each value to 1/127 of the largest. Throws UsageError when one is not finite or all are 0.
CodedVector code_vector(std::span<const float> vector);

struct Similarity {
  int64_t passage;
  float cosine;
};

// The tables of an index file that hold vectors, read into memory when they are first asked for. Whoever calls holds
// the transaction.
class Vectors {
 public:
  static const char* schema();

  explicit Vectors(Database& database) : database_(database) {}

  // Who made them; nothing when there are none.
  std::optional<std::string> embedder() const;
  // Vectors of passages are those of this embedder from now on; those of another leave.
  void begin(const std::string& embedder);
  // Throws UsageError when the others have another length.
  void put(int64_t passage, const CodedVector& vector);
  void remove(int64_t first, int64_t last);

  // To all passages that have a vector, by passage. Throws UsageError when the lengths differ, FormatError when the
  // file is damaged.
  std::vector<Similarity> compare(const CodedVector& query);
  int64_t count() const;

  // What is in memory is out of date.
  void forget() { loaded_ = false; }

 private:
  void load();
  size_t length() const;

  Database& database_;
  bool loaded_ = false;
  size_t length_ = 0, stride_ = 0;  // of a vector, and with the zeros after it
  std::vector<int64_t> passages_;
  std::vector<float> scales_;
  std::vector<int8_t> codes_;  // [passages][stride]
};

}  // namespace bantam
