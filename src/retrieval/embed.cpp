// Index::embed(): gives passages their vectors, committing now and then.
#include <chrono>

#include "base/error.h"
#include "retrieval/passage_reader.h"

namespace bantam {
namespace {

constexpr auto kCommitTime = std::chrono::seconds(2);

std::vector<int64_t> without_vector(Database& database) {
  std::vector<int64_t> out;
  SqlStatement rows =
      database.prepare("SELECT id FROM passages WHERE id NOT IN (SELECT passage FROM vectors) ORDER BY id");
  while (rows.step()) out.push_back(rows.integer(0));
  return out;
}

std::string embedded_text(const Hit& hit) {
  std::string out;
  for (const std::string* part : {&hit.title, &hit.heading}) {
    if (!part->empty()) out += *part + '\n';
  }
  return out + hit.text;
}

}  // namespace

size_t Index::embed(const std::function<bool(size_t done, size_t total)>& go_on) {
  State& s = *state_;
  if (!s.embedder) throw UsageError("{}: no embedder was set", s.database.path().string());
  {
    State::Write write(s);
    s.vectors.begin(s.embedder->name);
    write.commit();
  }
  const std::vector<int64_t> passages = without_vector(s.database);
  size_t done = 0;
  while (done < passages.size() && go_on(done, passages.size())) {
    State::Write write(s);
    PassageReader reader(s, false);
    const auto began = std::chrono::steady_clock::now();
    do {
      Hit hit;
      reader.read(passages[done], hit);
      s.vectors.put(hit.passage, code_vector(s.embedder->embed(embedded_text(hit))));
      ++done;
    } while (done < passages.size() && std::chrono::steady_clock::now() - began < kCommitTime);
    write.commit();
  }
  return done;
}

}  // namespace bantam
