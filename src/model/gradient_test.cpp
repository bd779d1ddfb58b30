// Compiled in double: backward() against central differences, over every switch of ModelConfig.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/forward.h"
#include "model/test_model.h"

namespace bantam {
namespace {

static_assert(sizeof(real) == sizeof(double));

using Documents = std::vector<std::vector<int32_t>>;

// Mean loss over packed documents of different lengths; with `train`, gradients are added to the model's.
double loss_of(TestModel& model, const Documents& documents, ThreadPool& pool, bool train) {
  static Arena arena;
  arena.release({});
  Tape tape;
  const Compute compute{pool, kernels_by_name("scalar")};
  Run run(arena, compute, train ? &tape : nullptr);
  std::vector<KvCache> empty;
  for (size_t i = 0; i < documents.size(); ++i) empty.emplace_back(model.config, 0);
  Batch batch;
  std::vector<int32_t> targets;
  std::vector<uint8_t> labels;
  for (size_t d = 0; d < documents.size(); ++d) {
    const auto inputs = std::span(documents[d]).first(documents[d].size() - 1);
    std::vector<int32_t> types;
    for (const int32_t token : inputs) types.push_back((token + static_cast<int32_t>(types.size())) % 3);
    if (model.config.token_types > 0)
      batch.append(empty[d], inputs, types, Logits::all_rows);
    else
      batch.append(empty[d], inputs, Logits::all_rows);
    targets.insert(targets.end(), documents[d].begin() + 1, documents[d].end());
    for (size_t i = 0; i < inputs.size(); ++i) labels.push_back(i == 1 ? 0 : kSpanCandidate);
    labels[labels.size() - 1] |= kSpanEnd;
    labels[labels.size() - 2] |= kSpanEnd | kSpanBegin;
  }
  targets[2] = -1;  // a target that is left out has no gradient
  const Tensor logits = forward(run, model.config, model.weights, batch);
  const auto share = [](size_t n) { return real{1} / static_cast<real>(n); };
  const double loss = model.config.classes > 0
                          ? span_cross_entropy(logits, batch.slices, labels, share(batch.slices.size()))
                          : cross_entropy(run, logits, targets, share(targets.size() - 1));
  tape.backward();
  return loss;
}

double worst_error(int bits, ThreadPool& pool, const Documents& documents, int trials) {
  TestModel model(Switches::config(bits), static_cast<uint64_t>(bits) + 1);
  loss_of(model, documents, pool, true);
  const std::vector<real> grads = model.grads;
  Rng rng(static_cast<uint64_t>(bits));
  double worst = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const size_t i = rng.below(model.values.size());
    const real keep = model.values[i], step = 1e-5;
    model.values[i] = keep + step;
    const double up = loss_of(model, documents, pool, false);
    model.values[i] = keep - step;
    const double down = loss_of(model, documents, pool, false);
    model.values[i] = keep;
    const double numeric = (up - down) / (2 * step);
    worst = std::max(worst, std::abs(numeric - grads[i]) / (1e-3 + std::abs(numeric) + std::abs(grads[i])));
  }
  return worst;
}

// All combinations would be 2^23 models. Every pair of switches is seen in all four positions, the others thrown at
// random: what goes wrong between two of them shows.
std::vector<int> switches_by_pairs() {
  Rng rng(23);
  std::vector<int> all = {0};
  for (int a = 0; a < Switches::kBits; ++a) {
    for (int b = 0; b < a; ++b) {
      for (int pair = 0; pair < 4; ++pair) {
        const int others = static_cast<int>(rng.below(1 << Switches::kBits)) & ~(1 << a) & ~(1 << b);
        all.push_back(others | (pair & 1) << a | (pair >> 1) << b);
      }
    }
  }
  return all;
}

TEST(Gradient, agrees_with_central_differences_for_every_pair_of_switches) {
  ThreadPool pool(1);
  const Documents documents = {{3, 1, 4, 1, 5, 9, 2, 6}, {2, 7, 1, 8, 2}};
  const std::vector<int> all = switches_by_pairs();
  double worst = 0;
  for (const int bits : all) {
    const double error = worst_error(bits, pool, documents, 12);
    ASSERT_LE(error, 1e-5) << "switches " << bits;
    worst = std::max(worst, error);
  }
  fmt::print("worst relative error over {} configurations: {:.2e}\n", all.size(), worst);
}

TEST(Gradient, holds_for_documents_longer_than_an_attention_block_and_for_many_threads) {
  Documents documents(3);
  Rng rng(5);
  for (size_t d = 0; d < documents.size(); ++d) {
    for (size_t i = 0; i < 70 + 64 * d; ++i) documents[d].push_back(static_cast<int32_t>(rng.below(11)));
  }
  ThreadPool pool(3);
  for (int bits : {0, 0b0001010101011, 0b0011111111111, 0b0001000000000, 0b1100000000000, 0b1110110101010,
                   0b00110111110000000000000, 0b11000010000000000000110})
    EXPECT_LE(worst_error(bits, pool, documents, 30), 1e-5);
}

}  // namespace
}  // namespace bantam
