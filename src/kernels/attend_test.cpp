#include "kernels/attend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "kernels/kernels.h"
#include "tensor/quant/float16.h"

namespace bantam {
namespace {

constexpr int kBlock = 32;  // values of a q8_0 block

// The tiles of one span, filled with random rows; rows that no query should see are NaN.
struct Tiles {
  DType format;
  int head_dim;
  std::vector<std::vector<std::byte>> keys, values;
  std::vector<const std::byte*> key_tiles, value_tiles;

  Tiles(Rng& rng, DType format_in, int head_dim_in, int rows) : format(format_in), head_dim(head_dim_in) {
    const size_t bytes = row_bytes(format, head_dim);
    for (int page = 0; page < kSpanPages; ++page) {
      keys.emplace_back(bytes * kPageTokens, std::byte{0xFF});
      values.emplace_back(bytes * kPageTokens, std::byte{0xFF});
    }
    std::vector<float> row(static_cast<size_t>(head_dim));
    for (int r = 0; r < rows; ++r) {
      for (float& v : row) v = static_cast<float>(rng.normal());
      put_key(r, row);
      for (float& v : row) v = static_cast<float>(rng.normal());
      traits(format).encode(row.data(), &values[static_cast<size_t>(r / kPageTokens)][bytes * (r % kPageTokens)],
                            head_dim);
    }
    for (auto& tile : keys) key_tiles.push_back(tile.data());
    for (auto& tile : values) value_tiles.push_back(tile.data());
  }

  void put_key(int r, const std::vector<float>& row) {
    std::vector<std::byte>& tile = keys[static_cast<size_t>(r / kPageTokens)];
    std::vector<std::byte> encoded(row_bytes(format, head_dim));
    traits(format).encode(row.data(), encoded.data(), head_dim);
    const auto place = [&](size_t at, const std::byte* from, size_t size) { std::memcpy(&tile[at], from, size); };
    for (int d = 0; d < head_dim; ++d) {
      const auto at = static_cast<size_t>(d * kPageTokens + r % kPageTokens), element = static_cast<size_t>(d);
      if (format == DType::f32) place(at * 4, &encoded[element * 4], 4);
      if (format == DType::f16) place(at * 2, &encoded[element * 2], 2);
      if (format != DType::q8_0) continue;
      const size_t block = element / kBlock * 34;
      place(at, &encoded[block + 2 + element % kBlock], 1);
      const size_t scale = element / kBlock * kPageTokens + static_cast<size_t>(r % kPageTokens);
      place(static_cast<size_t>(head_dim * kPageTokens) + 2 * scale, &encoded[block], 2);
    }
  }
};

struct Queries {
  std::vector<std::vector<float>> q, partial;
  std::vector<AttendQuery> queries;

  Queries(Rng& rng, int count, int head_dim, int rows) {
    for (int i = 0; i < count; ++i) {
      q.emplace_back(static_cast<size_t>(head_dim));
      for (float& v : q.back()) v = static_cast<float>(rng.normal());
      partial.emplace_back(static_cast<size_t>(head_dim) + 2);
    }
    for (size_t i = 0; i < q.size(); ++i) {
      const int begin = i % 2 == 0 ? 0 : static_cast<int>(rng.below(static_cast<uint64_t>(rows)));
      const int end = begin + 1 + static_cast<int>(rng.below(static_cast<uint64_t>(rows - begin)));
      queries.push_back({q[i].data(), begin, end, partial[i].data()});
    }
  }
};

AttendArgs args_of(const Tiles& tiles, const AttendQuery* queries, int count, float cap) {
  return {.keys = tiles.key_tiles.data(),
          .values = tiles.value_tiles.data(),
          .format = tiles.format,
          .head_dim = tiles.head_dim,
          .scale = 0.3f,
          .cap = cap,
          .queries = queries,
          .count = count};
}

// What a partial result says: the mean of the values, then the logarithm of the weights' sum.
std::vector<float> meaning(const std::vector<float>& partial) {
  std::vector<float> found;
  for (size_t i = 2; i < partial.size(); ++i) found.push_back(partial[i] / partial[1]);
  found.push_back(partial[0] + std::log(partial[1]));
  return found;
}

class Attend : public testing::TestWithParam<const Kernels*> {
 protected:
  template <class Check>
  void for_each_case(Check check) {
    for (const DType format : {DType::f32, DType::f16, DType::q8_0}) {
      for (const int head_dim : {1, 7, 16, 32, 40, 64, 100, 256}) {
        if (head_dim % traits(format).block != 0) continue;
        for (const int rows : {1, 2, 31, 33, 100, kSpanTokens}) {
          const Tiles tiles(rng_, format, head_dim, rows);
          const int count = 1 + static_cast<int>(rng_.below(kAttendQueries));
          Queries queries(rng_, count, head_dim, rows);
          SCOPED_TRACE(testing::Message() << traits(format).name << " " << head_dim << " " << rows << " " << count);
          check(tiles, queries, rows % 2 == 0 ? 0.f : 5.f);
          if (HasFatalFailure()) return;
        }
      }
    }
  }

  const Kernels& kernels_ = *GetParam();
  const Kernels& scalar_ = *usable_kernels().front();
  Rng rng_{11};
};

TEST_P(Attend, it_agrees_with_the_definition) {
  for_each_case([&](const Tiles& tiles, Queries& queries, float cap) {
    const int count = static_cast<int>(queries.q.size());
    kernels_.attend(args_of(tiles, queries.queries.data(), count, cap));
    const auto found = queries.partial;
    scalar_.attend(args_of(tiles, queries.queries.data(), count, cap));
    for (size_t i = 0; i < found.size(); ++i) {
      double squares = 0;
      for (const float v : queries.q[i]) squares += static_cast<double>(v) * v;
      // Scores are off by n eps |q| |k|, and weights by that much relatively.
      const double tolerance = (tiles.head_dim + kSpanTokens) *
                               static_cast<double>(std::numeric_limits<float>::epsilon()) * (1 + std::sqrt(squares)) *
                               4;
      const auto a = meaning(found[i]), b = meaning(queries.partial[i]);
      for (size_t d = 0; d < a.size(); ++d) ASSERT_NEAR(a[d], b[d], tolerance * std::max(1.f, std::fabs(b[d])));
    }
  });
}

TEST_P(Attend, a_query_has_the_same_bits_alone_and_among_others) {
  for_each_case([&](const Tiles& tiles, Queries& queries, float cap) {
    kernels_.attend(args_of(tiles, queries.queries.data(), static_cast<int>(queries.q.size()), cap));
    const auto together = queries.partial;
    for (const AttendQuery& query : queries.queries) kernels_.attend(args_of(tiles, &query, 1, cap));
    ASSERT_EQ(together, queries.partial);
  });
}

TEST_P(Attend, joined_halves_are_the_whole) {
  const int head_dim = 40, rows = 200, middle = 90;
  const Tiles tiles(rng_, DType::f32, head_dim, rows);
  Queries three(rng_, 3, head_dim, rows);
  three.q[1] = three.q[2] = three.q[0];
  three.queries[0].begin = three.queries[1].begin = 0;
  three.queries[0].end = three.queries[2].end = rows;
  three.queries[1].end = three.queries[2].begin = middle;
  kernels_.attend(args_of(tiles, three.queries.data(), 3, 0));
  kernels_.attend_join(three.partial[1].data(), three.partial[2].data(), head_dim);
  const auto whole = meaning(three.partial[0]), joined = meaning(three.partial[1]);
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(joined[i], whole[i], 2e-6);
}

std::vector<const Kernels*> tables() { return {usable_kernels().begin(), usable_kernels().end()}; }
std::string table_name(const testing::TestParamInfo<const Kernels*>& info) { return std::string(info.param->name); }
INSTANTIATE_TEST_SUITE_P(Tables, Attend, testing::ValuesIn(tables()), table_name);

}  // namespace
}  // namespace bantam
