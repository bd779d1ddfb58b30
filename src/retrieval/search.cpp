// How Index::search() finds: BM25 over all passages by their postings, and where an embedder is at hand the nearest
// vectors; then the best are read and ordered anew with what only their text tells.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "retrieval/index_state.h"
#include "retrieval/passage_reader.h"
#include "retrieval/sentences.h"

namespace bantam {
namespace {

// Passages read for an answer of few; of more, so many times as many.
constexpr size_t kLeastRead = 30, kReadPerPassage = 3;
// Passages looked at before giving up on finding others than copies.
constexpr size_t kMostLooked = 2000;
// Query terms beyond these are left out: a query is a question, not a book.
constexpr size_t kMostQueryTerms = 128;

struct QueryTerm {
  uint64_t hash = 0;
  float idf = 0;  // by its place in its word
  std::vector<TermPostings> found;
};

struct Query {
  std::vector<QueryTerm> terms;                  // each once
  std::vector<std::pair<size_t, size_t>> pairs;  // terms that follow each other

  size_t index_of(uint64_t hash) const {
    size_t i = 0;
    while (i < terms.size() && terms[i].hash != hash) ++i;
    return i;
  }
};

// Korean words carry their meaning first and a particle last. A script without spaces begins at U+1000 (E1 in UTF-8).
float weight_in_word(std::string_view text, const std::vector<Term>& terms, size_t i, const Ranking& r) {
  const Term& term = terms[i];
  if (static_cast<unsigned char>(text[term.begin]) < 0xE1) return 1;
  if (i == 0 || terms[i - 1].end <= term.begin) return r.word_begin;
  return i + 1 == terms.size() || terms[i + 1].begin >= term.end ? r.word_end : 1;
}

Query read_query(std::string_view text, TermScanner& scanner, Segments& segments, const Ranking& r) {
  std::vector<Term> terms;
  scanner.scan(text, [&](const TermView& t) { terms.push_back({std::string(t.text), t.begin, t.end, t.stop}); });
  Query query;
  size_t before = SIZE_MAX;
  for (size_t at = 0; at < terms.size(); ++at) {
    if (terms[at].stop) continue;
    const uint64_t hash = term_hash(terms[at].text);
    const size_t i = query.index_of(hash);
    if (i == query.terms.size()) {
      if (i == kMostQueryTerms) break;
      query.terms.push_back({hash, 0, {}});
    }
    query.terms[i].idf = std::max(query.terms[i].idf, weight_in_word(text, terms, at, r));
    if (before != SIZE_MAX) query.pairs.emplace_back(before, i);
    before = i;
  }
  std::sort(query.pairs.begin(), query.pairs.end());
  query.pairs.erase(std::unique(query.pairs.begin(), query.pairs.end()), query.pairs.end());
  const double n = static_cast<double>(segments.passages());
  for (QueryTerm& term : query.terms) {
    term.found = segments.find(term.hash);
    double holds = 0;
    for (const TermPostings& found : term.found) holds += found.entry.passages;
    holds = std::min(holds, n);
    term.idf *= static_cast<float>(std::log(1.0 + (n - holds + 0.5) / (holds + 0.5)));
  }
  return query;
}

float saturated(float uses, float k1, float b, float relative_length) {
  return uses * (k1 + 1) / (uses + k1 * (1 - b + b * relative_length));
}

struct Candidate {
  int64_t passage;
  float score;
};

// All passages that hold a term of the query, the best kMostLooked of them in order.
std::vector<Candidate> score_passages(const Query& query, Segments& segments, const Ranking& r,
                                      const std::string& source) {
  std::vector<Candidate> out;
  std::vector<float> scores;
  const auto mean = static_cast<float>(segments.mean_length());
  for (const Segment& segment : segments.list()) {
    scores.assign(segment.count, 0.0f);
    for (const QueryTerm& term : query.terms) {
      for (const TermPostings& found : term.found) {
        if (found.segment != &segment) continue;
        for_each_posting(found.entry, segment.count, source, [&](uint32_t passage, TermUse use) {
          const uint16_t length = segment.lengths[passage];
          if (length == 0) return;
          const float uses =
              static_cast<float>(use.count) + (use.in_title ? r.title : 0.0f) + (use.in_heading ? r.heading : 0.0f);
          scores[passage] += term.idf * saturated(uses, r.k1, r.b, static_cast<float>(length) / mean);
        });
      }
    }
    for (uint32_t i = 0; i < segment.count; ++i) {
      if (scores[i] > 0) out.push_back({segment.first + i, scores[i]});
    }
  }
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.passage < b.passage;
  };
  const size_t kept = std::min(out.size(), kMostLooked);
  std::partial_sort(out.begin(), out.begin() + static_cast<ptrdiff_t>(kept), out.end(), better);
  out.resize(kept);
  return out;
}

struct ReadSentence {
  TextRange range;  // of the passage's text
  float length = 0;
  std::vector<std::pair<size_t, float>> uses;  // query term and how often
  std::vector<size_t> pairs;                   // of the query, each once
  double score = 0;
};

struct ReadPassage {
  Hit hit;
  std::vector<ReadSentence> sentences;
  std::vector<uint64_t> terms;  // sorted, each once
  double score = 0;
};

void count_use(std::vector<std::pair<size_t, float>>& uses, size_t term) {
  for (auto& [t, count] : uses) {
    if (t == term) {
      count += 1;
      return;
    }
  }
  uses.emplace_back(term, 1.0f);
}

// Finds the query in each sentence of the passage.
void read_sentences(ReadPassage& passage, const Query& query, TermScanner& scanner) {
  for (const TextRange& range : sentences(passage.hit.text)) passage.sentences.push_back({range, 0, {}, {}, 0});
  size_t at = 0, before = SIZE_MAX;
  scanner.scan(passage.hit.text, [&](const TermView& term) {
    if (term.stop) return;
    const uint64_t hash = term_hash(term.text);
    passage.terms.push_back(hash);
    while (at + 1 < passage.sentences.size() && passage.sentences[at + 1].range.begin <= term.begin) ++at;
    ReadSentence& sentence = passage.sentences[at];
    sentence.length += 1;
    const size_t i = query.index_of(hash);
    if (i < query.terms.size()) {
      count_use(sentence.uses, i);
      const auto pair = std::lower_bound(query.pairs.begin(), query.pairs.end(), std::pair(before, i));
      if (pair != query.pairs.end() && *pair == std::pair(before, i)) {
        const auto number = static_cast<size_t>(pair - query.pairs.begin());
        if (std::find(sentence.pairs.begin(), sentence.pairs.end(), number) == sentence.pairs.end()) {
          sentence.pairs.push_back(number);
        }
      }
    }
    before = i < query.terms.size() ? i : SIZE_MAX;
  });
  std::sort(passage.terms.begin(), passage.terms.end());
  passage.terms.erase(std::unique(passage.terms.begin(), passage.terms.end()), passage.terms.end());
}

// The terms that both hold, as a share of those that either does.
double shared_terms(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  size_t shared = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    shared += a[i] == b[j];
    const bool left = a[i] <= b[j], right = b[j] <= a[i];
    i += left;
    j += right;
  }
  return static_cast<double>(shared) / static_cast<double>(std::max<size_t>(1, a.size() + b.size() - shared));
}

// Sentences by BM25 with the passages' idf, then passages with their best sentence, then sentences with their passage.
void score_by_text(std::vector<ReadPassage>& passages, const Query& query, const Ranking& r) {
  double total = 0, count = 0;
  for (const ReadPassage& p : passages) {
    for (const ReadSentence& s : p.sentences) {
      total += s.length;
      count += 1;
    }
  }
  const float mean = static_cast<float>(std::max(1.0, total / std::max(1.0, count)));
  const auto pair_score = [&](size_t pair) {
    const auto& [a, b] = query.pairs[pair];
    return r.pair * (query.terms[a].idf + query.terms[b].idf) / 2;
  };
  for (ReadPassage& p : passages) {
    double best = 0;
    std::vector<bool> held(query.terms.size());
    for (ReadSentence& s : p.sentences) {
      for (const auto& [term, uses] : s.uses) {
        held[term] = true;
        s.score += query.terms[term].idf * saturated(uses, r.sentence_k1, r.sentence_b, s.length / mean);
      }
      for (const size_t pair : s.pairs) s.score += pair_score(pair);
      best = std::max(best, s.score);
    }
    p.score += r.passage_of_sentence * best;
    for (size_t i = 0; i < held.size(); ++i) p.score += held[i] ? r.held * query.terms[i].idf : 0.0f;
    for (ReadSentence& s : p.sentences) s.score += r.sentence_of_passage * p.score;
  }
}

// How near the query each passage is in meaning; empty where the index has no vectors or nobody reads them.
std::vector<Similarity> compare_meaning(std::string_view query, Index::State& state) {
  if (!state.embedder) return {};
  const auto name = state.vectors.embedder();
  if (!name) return {};
  if (*name != state.embedder->name) {
    throw UsageError("{}: its vectors are from {}, not from {}; search with that embedder, or index with this one",
                     state.database.path().string(), *name, state.embedder->name);
  }
  return state.vectors.compare(code_vector(state.embedder->embed(query)));
}

std::vector<Similarity> nearest_of(std::vector<Similarity> all, size_t n) {
  n = std::min(n, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(n), all.end(), [](const auto& a, const auto& b) {
    return a.cosine != b.cosine ? a.cosine > b.cosine : a.passage < b.passage;
  });
  all.resize(n);
  return all;
}

// Adds to each score, which the best by words has most of, its share of how near the passages that were read lie.
void add_meaning(std::vector<ReadPassage>& passages, const std::vector<Similarity>& all, const Ranking& r) {
  std::vector<std::optional<float>> cosines;
  float least = 1, most = -1;
  double best = 0;
  for (const ReadPassage& p : passages) {
    const auto found = std::lower_bound(all.begin(), all.end(), p.hit.passage,
                                        [](const Similarity& s, int64_t passage) { return s.passage < passage; });
    const bool has = found != all.end() && found->passage == p.hit.passage;
    cosines.push_back(has ? std::optional(found->cosine) : std::nullopt);
    if (has) least = std::min(least, found->cosine), most = std::max(most, found->cosine);
    best = std::max(best, p.score);
  }
  if (most <= least) return;
  for (size_t i = 0; i < passages.size(); ++i) {
    if (cosines[i]) passages[i].score += r.meaning * (best > 0 ? best : 1) * (*cosines[i] - least) / (most - least);
  }
}

}  // namespace

Results Index::search(std::string_view text, size_t passages, size_t sentences) {
  State& s = *state_;
  ReadTransaction transaction(s.database);
  s.refresh();
  const Query query = read_query(text, s.scanner, s.segments, s.ranking);
  const auto candidates = score_passages(query, s.segments, s.ranking, s.database.path().string());
  const std::vector<Similarity> similar = compare_meaning(text, s);
  const size_t most_read = std::max(kLeastRead, kReadPerPassage * passages);
  std::vector<ReadPassage> read;
  PassageReader reader(s, s.ranking.repeated < 1);
  const auto add = [&](int64_t number, double score) {
    ReadPassage passage;
    if (!reader.read(number, passage.hit)) return;
    passage.score = score;
    read_sentences(passage, query, s.scanner);
    read.push_back(std::move(passage));
  };
  for (const Candidate& c : candidates) {
    if (read.size() == most_read) break;
    add(c.passage, c.score);
  }
  std::set<int64_t> by_words;
  for (const ReadPassage& p : read) by_words.insert(p.hit.passage);
  for (const Similarity& near : nearest_of(similar, most_read)) {
    if (!by_words.contains(near.passage)) add(near.passage, 0);
  }
  score_by_text(read, query, s.ranking);
  add_meaning(read, similar, s.ranking);
  std::stable_sort(read.begin(), read.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  Results out;
  std::vector<const ReadPassage*> kept;
  for (ReadPassage& p : read) {
    if (kept.size() == passages) break;
    const double most_shared = s.ranking.repeated;
    if (std::any_of(kept.begin(), kept.end(), [&](auto* k) { return shared_terms(k->terms, p.terms) > most_shared; })) {
      continue;
    }
    kept.push_back(&p);
    p.hit.score = p.score;
    for (const ReadSentence& sentence : p.sentences) {
      out.sentences.push_back(
          {out.passages.size(), p.hit.begin + sentence.range.begin, p.hit.begin + sentence.range.end, sentence.score});
    }
    out.passages.push_back(std::move(p.hit));
  }
  std::stable_sort(out.sentences.begin(), out.sentences.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  if (out.sentences.size() > sentences) out.sentences.resize(sentences);
  return out;
}

}  // namespace bantam
