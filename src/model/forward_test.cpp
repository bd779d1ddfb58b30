// Equivalences that must hold to the last bit, for every kernel table this CPU can run.
#include "model/forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/test_model.h"

namespace bantam {
namespace {

using Rows = std::vector<std::vector<real>>;
using Tokens = std::vector<int32_t>;

ModelConfig wide_config(int bits) {
  ModelConfig c = Switches::config(bits);
  c.vocab = 47;
  c.dim = 64;
  c.head_dim = 16;
  c.rope_dim = 16;
  if (!c.rope_factors.empty()) c.rope_factors.resize(8, 2.5f);
  for (LayerConfig& layer : c.layer) layer.ffn_dim = 96;
  c.layer[0].heads = c.layer[1].heads = 4;
  c.layer[0].kv_heads = c.layer[1].kv_heads = 2;
  return c;
}

Tokens random_tokens(size_t n, uint64_t seed) {
  Rng rng(seed);
  Tokens tokens(n);
  for (int32_t& token : tokens) token = static_cast<int32_t>(rng.below(47));
  return tokens;
}

// The test model's matrices encoded in another weight format.
class Encoded {
 public:
  Encoded(const TestModel& model, DType dtype) : weights(model.weights) {
    for_each_tensor(
        model.config,
        [&](const std::string&, int rows, int cols, Matrix& w) {
          if (rows == 1) return;
          auto& bytes = storage_.emplace_back(static_cast<size_t>(rows) * row_bytes(dtype, cols));
          for (int r = 0; r < rows; ++r) {
            traits(dtype).encode(w.values() + r * cols, bytes.data() + static_cast<size_t>(r) * row_bytes(dtype, cols),
                                 cols);
          }
          w = {bytes.data(), nullptr, rows, cols, dtype};
        },
        weights);
  }
  Weights weights;

 private:
  std::vector<std::vector<std::byte>> storage_;
};

class ForwardTest : public testing::TestWithParam<const Kernels*> {
 protected:
  // Runs one batch of (cache, tokens) pairs; returns logits of all rows.
  Rows step(const ModelConfig& c, const Weights& w, std::vector<std::pair<KvCache*, std::span<const int32_t>>> work,
            int threads = 1) {
    ThreadPool pool(threads);
    arena_.release({});
    const Compute compute{pool, *GetParam()};
    bantam::Run run(arena_, compute);
    Batch batch;
    for (auto& [kv, tokens] : work) batch.append(*kv, tokens, Logits::all_rows);
    const Tensor logits = forward(run, c, w, batch);
    Rows rows;
    for (int r = 0; r < logits.rows; ++r) rows.emplace_back(logits.row(r), logits.row(r) + logits.cols);
    return rows;
  }

  Arena arena_;
};

TEST_P(ForwardTest, chunked_batched_and_threaded_rows_equal_the_whole_alone) {
  for (const DTypeTraits& format : all_dtypes()) {
    if (format.block > 32) continue;  // than these rows; decoded by the same kernel as q5_0
    for (int bits :
         {0, 0b00000100110, 0b01110011101, 0b11001010110, 0b00111111110000000000000, 0b11000010000001010000000}) {
      const TestModel model(wide_config(bits), 3, 0.1);
      const Encoded encoded(model, format.dtype);
      const auto run = [&](auto work, int threads) { return step(model.config, encoded.weights, work, threads); };
      const Tokens a = random_tokens(37, 1), b = random_tokens(19, 2);
      KvCache whole_a(model.config, 64), whole_b(model.config, 64);
      const Rows ref_a = run(std::vector{std::pair{&whole_a, std::span<const int32_t>(a)}}, 1);
      const Rows ref_b = run(std::vector{std::pair{&whole_b, std::span<const int32_t>(b)}}, 1);

      // b decodes one token at a time while a is prefilled in chunks of 5.
      KvCache ka(model.config, 64), kb(model.config, 64);
      for (size_t ia = 0, ib = 0; ia < a.size() || ib < b.size();) {
        std::vector<std::pair<KvCache*, std::span<const int32_t>>> work;
        const size_t na = std::min<size_t>(5, a.size() - ia), nb = ib < b.size() ? 1 : 0;
        if (na) work.emplace_back(&ka, std::span(a).subspan(ia, na));
        if (nb) work.emplace_back(&kb, std::span(b).subspan(ib, nb));
        const Rows rows = run(work, 1 + static_cast<int>(ia + ib) % 3);
        for (size_t t = 0; t < na; ++t) ASSERT_EQ(rows[t], ref_a[ia + t]) << format.name << " switches " << bits;
        for (size_t t = 0; t < nb; ++t) ASSERT_EQ(rows[na], ref_b[ib]) << format.name << " switches " << bits;
        ia += na;
        ib += nb;
      }
    }
  }
}

TEST_P(ForwardTest, a_cache_in_fewer_bits_gives_the_same_rows_in_chunks_and_nearly_those_of_a_full_one) {
  ModelConfig c = wide_config(1 << 9);  // one layer has a window
  c.head_dim = c.rope_dim = 32;
  const TestModel model(c, 3, 0.1);
  const Tokens a = random_tokens(37, 1);
  KvCache full(c, 64);
  const Rows expected = step(c, model.weights, {{&full, a}});
  for (const auto& [format, tolerance] : {std::pair{DType::f16, 2e-4}, {DType::q8_0, 2e-2}}) {
    KvCache whole(c, 64, format), chunked(c, 64, format);
    EXPECT_LE(KvPool::bytes_for(c, 64, format), KvPool::bytes_for(c, 64, kRealType) / 2);
    const Rows rows = step(c, model.weights, {{&whole, a}});
    for (size_t t = 0; t < a.size();) {
      const size_t n = std::min<size_t>(t < 20 ? 7 : 1, a.size() - t);
      const Rows some = step(c, model.weights, {{&chunked, std::span(a).subspan(t, n)}}, 3);
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(some[i], rows[t + i]) << t + i;
      t += n;
    }
    for (size_t t = 0; t < a.size(); ++t) {
      for (size_t i = 0; i < rows[t].size(); ++i) ASSERT_NEAR(rows[t][i], expected[t][i], tolerance);
    }
  }
}

// Sums run over spans of rows: a few rows over many spans are spread over threads, many rows are not.
TEST_P(ForwardTest, rows_far_into_a_sequence_are_the_same_alone_in_few_and_in_many) {
  for (const int window : {0, 300}) {
    ModelConfig c = wide_config(0);
    c.head_dim = c.rope_dim = 32;
    c.layer[1].window = window;
    const TestModel model(c, 3, 0.1);
    const Tokens a = random_tokens(3 * kSpanTokens, 1);
    for (const DType format : {kRealType, DType::f16, DType::q8_0}) {
      KvCache whole(c, 1024, format), pieces(c, 1024, format), other(c, 1024, format);
      const Rows rows = step(c, model.weights, {{&whole, a}}, 2);
      step(c, model.weights, {{&other, std::span(a).first(290)}});
      size_t at = 0;
      for (const size_t n : {507, 3, 1, 8, 1, 120, 9, 5, 1, 40, 1}) {
        const Rows some =
            step(c, model.weights, {{&pieces, std::span(a).subspan(at, n)}, {&other, std::span(a).first(2)}}, 3);
        for (size_t i = 0; i < n; ++i) ASSERT_EQ(some[i], rows[at + i]) << traits(format).name << " " << at + i;
        at += n;
      }
    }
  }
}

TEST_P(ForwardTest, a_cache_refuses_formats_and_heads_that_do_not_fit_it) {
  ModelConfig c = wide_config(0);
  EXPECT_THROW(KvCache(c, 8, DType::q4_0), UsageError);
  EXPECT_THROW(KvCache(c, 8, DType::q8_0), UsageError);  // heads of 16 values, blocks of 32
  EXPECT_THROW(KvPool::bytes_for(c, 8, DType::q8_0), UsageError);
  EXPECT_NO_THROW(KvCache(c, 8, DType::f16));
}

TEST_P(ForwardTest, a_truncated_cache_continues_like_a_fresh_one) {
  const TestModel model(wide_config(0b00000000110), 4, 0.1);
  const Tokens a = random_tokens(30, 1), b = random_tokens(12, 9);
  KvCache reused(model.config, 64), fresh(model.config, 64);
  step(model.config, model.weights, {{&reused, a}});
  reused.truncate(10);
  const Rows again = step(model.config, model.weights, {{&reused, b}});
  step(model.config, model.weights, {{&fresh, std::span(a).first(10)}});
  EXPECT_EQ(again, step(model.config, model.weights, {{&fresh, b}}));
}

TEST_P(ForwardTest, only_the_wanted_rows_get_logits) {
  const TestModel model(wide_config(0), 4, 0.1);
  const Tokens a = random_tokens(7, 1);
  KvCache all(model.config, 16), last(model.config, 16), none(model.config, 16);
  const Rows rows = step(model.config, model.weights, {{&all, a}});
  ThreadPool pool(1);
  const Compute compute{pool, *GetParam()};
  Arena arena;
  bantam::Run run(arena, compute);
  Batch batch;
  batch.append(none, a, Logits::none);
  batch.append(last, a, Logits::last_row);
  const Tensor logits = forward(run, model.config, model.weights, batch);
  ASSERT_EQ(logits.rows, 1);
  EXPECT_EQ(std::vector<real>(logits.row(0), logits.row(1)), rows.back());
  EXPECT_EQ(none.size(), 7);
}

TEST_P(ForwardTest, training_and_inference_compute_the_same_logits_up_to_rounding) {
  for (int bits : {0, 0b01110011101, 0b11001010110, 0b00111111110000000000000, 0b11000010000001010000000}) {
    const TestModel model(wide_config(bits), 5, 0.1);
    const Tokens a = random_tokens(40, 1);
    KvCache kv(model.config, 64), empty(model.config, 0);
    const Rows rows = step(model.config, model.weights, {{&kv, a}});
    ThreadPool pool(2);
    const Compute compute{pool, *GetParam()};
    Tape tape;
    Arena arena;
    bantam::Run run(arena, compute, &tape);
    Batch batch;
    batch.append(empty, a, Logits::all_rows);
    const Tensor logits = forward(run, model.config, model.weights, batch);
    for (int t = 0; t < logits.rows; ++t) {
      for (int i = 0; i < logits.cols; ++i)
        ASSERT_NEAR(logits.row(t)[i], rows[static_cast<size_t>(t)][static_cast<size_t>(i)], 2e-5);
    }
  }
}

TEST_P(ForwardTest, a_context_beyond_the_original_one_rotates_by_the_long_factors) {
  ModelConfig c = wide_config(0);
  c.rope_factors.assign(8, 1.f);
  c.rope_factors_long.assign(8, 4.f);
  c.rope_original_context = 32;
  const TestModel model(c, 4, 0.1);
  TestModel long_model(wide_config(0), 4, 0.1);
  long_model.config.rope_factors.assign(8, 4.f);
  const Tokens a = random_tokens(9, 1);
  const auto rows = [&](const TestModel& m, int context) {
    KvCache kv(m.config, context);
    return step(m.config, m.weights, {{&kv, a}});
  };
  EXPECT_EQ(rows(model, 33), rows(long_model, 33));
  EXPECT_NE(rows(model, 32), rows(long_model, 32));
}

TEST_P(ForwardTest, a_row_takes_the_experts_its_router_scores_highest) {
  ModelConfig one = wide_config(0), all = one;
  all.experts = 3;
  all.experts_used = 1;
  TestModel mixture(all, 4, 0.1);
  TestModel plain(one, 9, 0.1);
  for (size_t l = 0; l < 2; ++l) {
    LayerWeights& from = mixture.weights.layer[l];
    LayerWeights& to = plain.weights.layer[l];
    // A router of zeros scores all alike, and the first is taken with weight 1.
    const auto router = static_cast<ptrdiff_t>(from.router.values() - mixture.values.data());
    std::fill_n(mixture.values.begin() + router, from.router.size(), real{0});
    const ExpertWeights expert = from.expert[0];
    to = from;
    to.w_gate = expert.gate;
    to.w_up = expert.up;
    to.w_down = expert.down;
  }
  plain.weights.embed = mixture.weights.embed;
  plain.weights.lm_head = mixture.weights.lm_head;
  plain.weights.final_norm = mixture.weights.final_norm;
  const Tokens a = random_tokens(9, 1);
  KvCache ka(all, 16), kb(one, 16);
  EXPECT_EQ(step(all, mixture.weights, {{&ka, a}}), step(one, plain.weights, {{&kb, a}}));
}

TEST_P(ForwardTest, a_full_context_refuses_more_rows) {
  const TestModel model(wide_config(0));
  KvCache kv(model.config, 8);
  const Tokens a = random_tokens(9, 1);
  Batch batch;
  EXPECT_THROW(batch.append(kv, a, Logits::none), UsageError);
  EXPECT_NO_THROW(batch.append(kv, std::span(a).first(8), Logits::none));
}

std::vector<const Kernels*> tables() { return {usable_kernels().begin(), usable_kernels().end()}; }
std::string table_name(const testing::TestParamInfo<const Kernels*>& info) { return std::string(info.param->name); }
INSTANTIATE_TEST_SUITE_P(Tables, ForwardTest, testing::ValuesIn(tables()), table_name);

}  // namespace
}  // namespace bantam
