#include "train/data_stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "base/rng.h"

namespace bantam {
namespace {

constexpr int kVocab = 60000;

// A folder that goes when the test does.
class DataStreamTest : public testing::Test {
 protected:
  DataStreamTest() { std::filesystem::create_directories(folder_); }
  ~DataStreamTest() override { std::filesystem::remove_all(folder_); }

  // Documents of these lengths; token values count up over all of them, so each names its document and place.
  TokenFile file(const std::vector<int>& lengths, int first_id = 0, bool questions = false) {
    const auto path = folder_ / fmt::format("{}.tokens", files_++);
    TokenFileWriter writer(path, kVocab, "test");
    int32_t id = first_id;
    for (const int length : lengths) {
      std::vector<int32_t> tokens;
      while (static_cast<int>(tokens.size()) < length) tokens.push_back(id++);
      std::vector<bool> counted;
      if (questions) {
        counted.assign(tokens.size(), true);
        counted[0] = counted[1] = false;
      }
      writer.add(tokens, counted, 1);
    }
    writer.commit();
    return TokenFile(path);
  }

  std::vector<DataSource> one(TokenFile source) {
    std::vector<DataSource> sources;
    sources.push_back({std::move(source), 1});
    return sources;
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / fmt::format("bantam-data-stream-{}", ::getpid());
  int files_ = 0;
};

std::vector<int> random_lengths(int documents, int longest) {
  Rng rng(7);
  std::vector<int> lengths;
  for (int d = 0; d < documents; ++d)
    lengths.push_back(2 + static_cast<int>(rng.below(static_cast<uint64_t>(longest))));
  return lengths;
}

TEST_F(DataStreamTest, every_token_but_a_documents_first_is_predicted_once_per_epoch) {
  const std::vector<int> lengths = random_lengths(300, 90);
  DataStream stream(one(file(lengths)), 32, 5);
  std::map<int32_t, int> seen;
  TrainingRows rows;
  while (stream.positions()[0].epoch == 0) stream.next_row(rows);
  const uint64_t total = stream.tokens();
  for (size_t i = 0; i < total; ++i) ++seen[rows.targets[i]];  // the rest of the last row is of the next epoch
  EXPECT_EQ(seen.size(), total);
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
}

TEST_F(DataStreamTest, no_piece_crosses_a_document_or_a_row) {
  const std::vector<int> lengths = random_lengths(200, 70);
  std::set<int32_t> first_ids;
  int32_t next = 0;
  for (const int length : lengths) {
    first_ids.insert(next);
    next += length;
  }
  DataStream stream(one(file(lengths)), 24, 5);
  for (int r = 0; r < 200; ++r) {
    TrainingRows rows;
    stream.next_row(rows);
    ASSERT_EQ(rows.inputs.size(), 24u);
    int at = 0;
    for (const TrainingRows::Piece& p : rows.pieces) {
      ASSERT_EQ(p.begin, at);
      for (int i = p.begin; i < p.begin + p.count; ++i) {
        const auto t = static_cast<size_t>(i);
        EXPECT_EQ(rows.targets[t], rows.inputs[t] + 1);
        EXPECT_FALSE(first_ids.contains(rows.targets[t])) << "a document's first token was predicted from another";
        if (i > p.begin) {
          EXPECT_EQ(rows.inputs[t], rows.inputs[t - 1] + 1);
        }
      }
      at += p.count;
    }
    EXPECT_EQ(at, 24);
  }
}

TEST_F(DataStreamTest, epochs_have_different_orders_and_a_seed_always_the_same) {
  const TokenFile source = file(random_lengths(50, 20));
  const auto take = [&](uint64_t seed) {
    DataStream stream(one(file(random_lengths(50, 20))), 16, seed);
    TrainingRows rows;
    while (stream.positions()[0].epoch < 2) stream.next_row(rows);
    return rows.inputs;
  };
  const std::vector<int32_t> a = take(1), b = take(1), c = take(2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  const size_t half = source.tokens() - source.documents();
  EXPECT_NE(std::vector<int32_t>(a.begin(), a.begin() + 100),
            std::vector<int32_t>(a.begin() + static_cast<long>(half), a.begin() + static_cast<long>(half) + 100));
}

TEST_F(DataStreamTest, continues_from_saved_positions_exactly) {
  const auto sources = [&] {
    std::vector<DataSource> both;
    both.push_back({file(random_lengths(40, 60)), 0.7});
    both.push_back({file(random_lengths(10, 12), 10000, true), 0.3});
    return both;
  };
  DataStream whole(sources(), 20, 3), first(sources(), 20, 3), second(sources(), 20, 3);
  TrainingRows expected, got;
  for (int r = 0; r < 120; ++r) whole.next_row(expected);
  for (int r = 0; r < 57; ++r) first.next_row(got);
  second.set_positions(first.positions());
  for (int r = 57; r < 120; ++r) second.next_row(got);
  EXPECT_EQ(got.inputs, expected.inputs);
  EXPECT_EQ(got.targets, expected.targets);
}

TEST_F(DataStreamTest, sources_get_their_share_of_the_tokens) {
  std::vector<DataSource> sources;
  sources.push_back({file({5000}), 0.8});
  sources.push_back({file({5000}, 20000), 0.2});
  DataStream stream(std::move(sources), 10, 3);
  TrainingRows rows;
  for (int r = 0; r < 1000; ++r) stream.next_row(rows);
  EXPECT_NEAR(static_cast<double>(stream.positions()[1].tokens), 2000, 10);
}

TEST_F(DataStreamTest, questions_are_never_cut_and_only_answers_count) {
  DataStream stream(one(file({9, 8, 30, 7}, 0, true)), 16, 3);
  EXPECT_EQ(stream.left_out(0), 1u);
  for (int r = 0; r < 6; ++r) {
    TrainingRows rows;
    stream.next_row(rows);
    EXPECT_LE(rows.inputs.size(), 16u);
    for (const TrainingRows::Piece& p : rows.pieces) {
      const auto begin = static_cast<size_t>(p.begin);
      EXPECT_TRUE(std::set<int32_t>({0, 9, 47}).contains(rows.inputs[begin])) << "begins inside a document";
      EXPECT_EQ(rows.targets[begin], -1) << "the question's last token";
      EXPECT_EQ(rows.targets[begin + 1], rows.inputs[begin] + 2);
    }
  }
}

TEST_F(DataStreamTest, positions_past_the_end_are_refused) {
  DataStream stream(one(file({9, 8})), 16, 3);
  EXPECT_THROW(stream.set_positions({}), FormatError);
  EXPECT_THROW(stream.set_positions({{0, 2, 0, 0}}), FormatError);
  EXPECT_THROW(stream.set_positions({{0, 1, 8, 0}}), FormatError);
}

TEST_F(DataStreamTest, a_damaged_token_file_is_refused_at_every_length_and_made_anew) {
  const auto path = folder_ / "whole.tokens";
  TokenFileWriter writer(path, 300, "made of this");
  writer.add(std::vector<int32_t>{1, 2, 299}, {}, 3);
  writer.commit();
  std::string bytes = read_file(path);
  EXPECT_TRUE(TokenFile::open_if_current(path, "made of this"));
  EXPECT_FALSE(TokenFile::open_if_current(path, "made of that"));
  for (size_t keep = 0; keep < bytes.size(); ++keep) {
    std::ofstream(path, std::ios::binary) << bytes.substr(0, keep);
    EXPECT_FALSE(TokenFile::open_if_current(path, "made of this")) << keep;
  }
  bytes[5] = 99;  // the high half of token 2, which becomes 25,000 or so
  std::ofstream(path, std::ios::binary) << bytes;
  const TokenFile file(path);
  EXPECT_THROW((void)file.token(0, 2), FormatError);
}

}  // namespace
}  // namespace bantam
