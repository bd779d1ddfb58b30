#include "retrieval/written_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "retrieval/support.h"

namespace bantam {
namespace {

// The passages in the order of their best sentences.
std::vector<size_t> passages_in_order(const Findings& findings, size_t most) {
  std::vector<size_t> order;
  for (const RankedSentence& s : findings.ranked) {
    if (order.size() == most) break;
    if (std::ranges::find(order, s.hit) == order.end()) order.push_back(s.hit);
  }
  return order;
}

// The place of a citation of hit's bytes in `answer`, added when it is new.
size_t place_of(Answer& answer, const Hit& hit, const TextRange& range) {
  Citation c{hit.file,
             hit.title,
             hit.heading,
             hit.page,
             hit.begin + range.begin,
             hit.begin + range.end,
             hit.begin + range.begin,
             hit.begin + range.begin,
             hit.text.substr(range.begin, range.size())};
  const auto same = [&](const Citation& other) {
    return other.file == c.file && other.begin == c.begin && other.end == c.end;
  };
  const auto known = std::ranges::find_if(answer.citations, same);
  if (known != answer.citations.end()) return static_cast<size_t>(known - answer.citations.begin());
  answer.citations.push_back(std::move(c));
  return answer.citations.size() - 1;
}

}  // namespace

WrittenAnswer::WrittenAnswer(const Findings& findings, const AnswerOptions& options)
    : findings_(findings), options_(options), order_(passages_in_order(findings, options.passages)) {
  for (const size_t h : order_) {
    const Hit& hit = findings.results.passages[h];
    sources_.push_back({hit.heading.empty() ? hit.title : hit.heading, hit.text});
  }
  answer_.confidence = 1;
}

const Statement& WrittenAnswer::add(const CitedSentence& said) {
  Statement statement{said.text, {}, false};
  double share = 0;
  for (const int number : said.sources) {
    const Hit& hit = findings_.results.passages[order_[static_cast<size_t>(number) - 1]];
    const Support found = support(said.text, hit.text, hit.title + "\n" + hit.heading);
    if (!found.holds()) continue;
    share = std::max(share, found.share);
    const size_t place = place_of(answer_, hit, found.closest);
    if (std::ranges::find(statement.citations, place) == statement.citations.end())
      statement.citations.push_back(place);
  }
  statement.supported = !statement.citations.empty();
  if (statement.supported) {
    answer_.confidence = std::min(answer_.confidence, share);
    answer_.text += (answer_.text.empty() ? "" : " ") + statement.text;
    for (const size_t place : statement.citations) answer_.text += fmt::format(" [{}]", place + 1);
  }
  answer_.statements.push_back(std::move(statement));
  return answer_.statements.back();
}

Answer WrittenAnswer::finish(const Draft& draft, double write_ms) {
  Answer out = std::move(answer_);
  out.abstained = out.text.empty();
  if (out.abstained) {
    std::vector<Statement> rejected = std::move(out.statements);
    AnswerOptions reading = options_;
    if (draft.not_found) reading.confidence = 2;  // nothing is as sure as that
    out = answer_from(findings_, reading);
    out.statements = std::move(rejected);
  }
  out.sources_read = draft.sources_read;
  out.sources_found = sources_.size();
  out.search_ms = findings_.search_ms;
  out.read_ms = findings_.read_ms;
  out.write_ms = write_ms;
  return out;
}

Answer written_answer(const Findings& findings, const WriteSentences& write, std::string_view question,
                      const AnswerOptions& options,
                      const std::function<void(const Answer&, const Statement&)>& on_statement) {
  WrittenAnswer written(findings, options);
  if (written.sources().empty()) return answer_from(findings, options);
  const auto start = std::chrono::steady_clock::now();
  const Draft draft = write(question, written.sources(), [&](const CitedSentence& said) {
    const Statement& statement = written.add(said);
    if (on_statement) on_statement(written.so_far(), statement);
  });
  return written.finish(draft,
                        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace bantam
