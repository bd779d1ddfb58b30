// usage: masks_bench VOCABULARY.gguf...
// How long the masks of answers held to a form take: for each vocabulary the tree of its tokens, and for two forms the
// masks of random answers, those of states that are new and those that were worked out before.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/rng.h"
#include "engine/grammar_constraint.h"
#include "formats/gguf.h"

namespace {

using namespace bantam;

double ms_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
}

std::string quantiles(std::vector<double> ms) {
  std::ranges::sort(ms);
  const auto at = [&](double q) { return ms[static_cast<size_t>(q * static_cast<double>(ms.size() - 1))]; };
  return fmt::format("median {:.3f} ms, 99% {:.3f}, most {:.3f} of {}", at(0.5), at(0.99), ms.back(), ms.size());
}

// The masks' times of `answers` random answers.
std::vector<double> times(FormCache& cache, const AnswerForm& form, int vocab, int answers, Rng& rng) {
  std::vector<double> ms;
  std::vector<uint8_t> mask(static_cast<size_t>(vocab));
  for (int i = 0; i < answers; ++i) {
    const auto constraint = cache.constraint(form, -1);
    for (int step = 0; step < 60; ++step) {
      const auto begun = std::chrono::steady_clock::now();
      constraint->allow(mask);
      ms.push_back(ms_since(begun));
      std::vector<int32_t> allowed;
      for (int32_t id = 0; id < vocab; ++id) {
        if (mask[static_cast<size_t>(id)] != 0) allowed.push_back(id);
      }
      if (constraint->complete() || allowed.empty()) break;
      constraint->accept(allowed[rng.below(allowed.size())]);
    }
  }
  return ms;
}

}  // namespace

int main(int argc, char** argv) {
  const AnswerForm forms[] = {
      {AnswerForm::Kind::json_schema, R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 80},
          "age": {"type": "integer", "minimum": 0, "maximum": 150}, "kind": {"enum": ["person", "company"]},
          "notes": {"type": "array", "items": {"type": "string"}}}, "required": ["name", "age", "kind", "notes"],
          "additionalProperties": false})"},
      {AnswerForm::Kind::json, ""}};
  for (int i = 1; i < argc; ++i) {
    const Tokenizer tokenizer = Tokenizer::from_metadata(read_gguf(argv[i]).metadata);
    auto begun = std::chrono::steady_clock::now();
    { const TokenTree tree(tokenizer); }
    fmt::print("{}: {} tokens, tree {:.1f} ms\n", argv[i], tokenizer.vocab_size(), ms_since(begun));
    for (const AnswerForm& form : forms) {
      FormCache cache(tokenizer);
      begun = std::chrono::steady_clock::now();
      cache.constraint(form, -1);
      const double compiled = ms_since(begun);
      Rng rng(1), again(1);
      const std::vector<double> first = times(cache, form, tokenizer.vocab_size(), 30, rng);
      const std::vector<double> later = times(cache, form, tokenizer.vocab_size(), 30, again);
      fmt::print("  {}: tree and form {:.1f} ms\n    first: {}\n    again: {}\n",
                 form.kind == AnswerForm::Kind::json ? "any JSON" : "schema", compiled, quantiles(first),
                 quantiles(later));
    }
  }
}
