// How long a search takes:  search_bench INDEX [QUERIES]
// Asks the index file the lines of QUERIES (without it, the beginnings of passages of its own) one after another on one
// thread, and scans as many random int8 vectors of 384 values as the index has passages.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

#include "base/error.h"
#include "base/rng.h"
#include "retrieval/index.h"

namespace {

using namespace bantam;

constexpr size_t kVectorLength = 384;
constexpr int kScans = 20;

double ms_of(const auto& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

void print(std::string_view what, std::vector<double> ms) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) { return ms[static_cast<size_t>(share * static_cast<double>(ms.size() - 1))]; };
  std::cout << fmt::format("{:<24} {:6} times: median {:.2f} ms, p99 {:.2f} ms, most {:.2f} ms\n", what, ms.size(),
                           at(0.5), at(0.99), ms.back());
}

std::vector<std::string> read_queries(const char* path) {
  std::vector<std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

// The first words of what common words find.
std::vector<std::string> own_queries(Index& index) {
  std::vector<std::string> out;
  for (const char* word : {"history", "city", "number", "system", "역사", "도시", "사람", "대한민국"}) {
    for (const Hit& hit : index.search(word, 50).passages) {
      const size_t space = hit.text.find(' ', 60);
      if (space < 200) out.push_back(hit.text.substr(0, space));
    }
  }
  return out;
}

void scan_vectors(int64_t passages) {
  Database database(":memory:", Database::Mode::write);
  database.run(Vectors::schema());
  Vectors vectors(database);
  Rng rng(1);
  const auto random = [&] {
    std::vector<float> out(kVectorLength);
    for (float& v : out) v = static_cast<float>(rng.normal());
    return code_vector(out);
  };
  {
    Transaction transaction(database);
    for (int64_t i = 0; i < passages; ++i) vectors.put(i, random());
    transaction.commit();
  }
  const CodedVector query = random();
  vectors.compare(query);  // reads them into memory
  std::vector<double> ms;
  for (int i = 0; i < kScans; ++i) ms.push_back(ms_of([&] { vectors.compare(query); }));
  print("scan of all vectors", ms);
}

int run(int argc, char** argv) {
  if (argc < 2) throw UsageError("search_bench INDEX [QUERIES]");
  Index index = Index::open(argv[1], Index::Mode::read);
  const std::vector<std::string> queries = argc > 2 ? read_queries(argv[2]) : own_queries(index);
  if (queries.empty()) throw UsageError("there are no queries");
  const IndexStats stats = index.stats();
  std::cout << fmt::format("{} passages, {:.0f} MB of text\n", stats.passages,
                           static_cast<double>(stats.text_bytes) / 1e6);
  std::vector<double> ms;
  for (const std::string& query : queries) ms.push_back(ms_of([&] { index.search(query, 10, 10); }));
  print("search, 10 results", ms);
  scan_vectors(stats.passages);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "search_bench: " << error.what() << "\n";
    return 2;
  }
}
