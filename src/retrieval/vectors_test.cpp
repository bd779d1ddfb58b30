#include "retrieval/vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "retrieval/index.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

GivenDocument given(const std::string& name, const std::string& text) {
  return {name, {name, text, {}, {}}, {{0, text.size(), "", 0}}};
}

// Knows two meanings, vehicles and fruit, by their English and Korean words.
Embedder two_meanings(const std::string& name = "two meanings", int* calls = nullptr) {
  return {name, [calls](std::string_view text) {
            if (calls != nullptr) ++*calls;
            std::vector<float> out = {0, 0, 0.1f};
            for (const char* word : {"car", "vehicle", "자동차"}) out[0] += text.find(word) != text.npos ? 1.0f : 0.0f;
            for (const char* word : {"apple", "fruit", "과일"}) out[1] += text.find(word) != text.npos ? 1.0f : 0.0f;
            return out;
          }};
}

Index cars_and_fruit() {
  Index index = Index::in_memory();
  const std::vector<GivenDocument> documents = {given("a", "The car is in the garage."),
                                                given("b", "An apple a day is healthy."),
                                                given("c", "Nothing of either kind is told.")};
  index.add(documents);
  return index;
}

std::vector<std::string> files(const Results& results) {
  std::vector<std::string> out;
  for (const Hit& hit : results.passages) out.push_back(hit.file);
  return out;
}

const auto to_the_end = [](size_t, size_t) { return true; };

std::vector<float> random_vector(Rng& rng, size_t n) {
  std::vector<float> out(n);
  for (float& v : out) v = static_cast<float>(rng.normal());
  return out;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  const double ab = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  const double aa = std::inner_product(a.begin(), a.end(), a.begin(), 0.0);
  const double bb = std::inner_product(b.begin(), b.end(), b.begin(), 0.0);
  return ab / std::sqrt(aa * bb);
}

TEST(Vectors, cosines_are_those_of_the_vectors_to_what_eight_bits_tell) {
  Rng rng(1);
  for (const size_t length : {1u, 3u, 32u, 100u, 384u}) {
    Database database(":memory:", Database::Mode::write);
    database.run(Vectors::schema());
    Vectors vectors(database);
    std::vector<std::vector<float>> kept;
    for (int64_t passage = 0; passage < 200; ++passage) {
      kept.push_back(random_vector(rng, length));
      vectors.put(passage * 3, code_vector(kept.back()));
    }
    const std::vector<float> query = random_vector(rng, length);
    const auto found = vectors.compare(code_vector(query));
    ASSERT_EQ(found.size(), kept.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      EXPECT_EQ(found[i].passage, static_cast<int64_t>(i) * 3);
      EXPECT_NEAR(found[i].cosine, cosine(query, kept[i]), 0.02) << length;
    }
  }
}

TEST(Vectors, a_vector_must_have_a_direction) {
  EXPECT_THROW(code_vector(std::vector<float>{0, 0}), UsageError);
  EXPECT_THROW(code_vector(std::vector<float>{1, NAN}), UsageError);
  EXPECT_THROW(code_vector(std::vector<float>{1, INFINITY}), UsageError);
}

TEST(Vectors, what_shares_no_word_is_found_by_its_meaning) {
  Index index = cars_and_fruit();
  EXPECT_THAT(files(index.search("자동차", 5)), IsEmpty());
  index.set_embedder(two_meanings());
  EXPECT_THAT(files(index.search("자동차", 5)), IsEmpty()) << "no passage has a vector yet";
  EXPECT_EQ(index.embed(to_the_end), 3u);
  EXPECT_EQ(index.stats().vectors, 3);
  EXPECT_EQ(files(index.search("자동차", 5)).at(0), "a");
  EXPECT_EQ(files(index.search("과일", 5)).at(0), "b");
}

TEST(Vectors, words_and_meaning_count_together) {
  Index index = cars_and_fruit();
  index.set_embedder(two_meanings());
  index.embed(to_the_end);
  EXPECT_EQ(files(index.search("told either", 5)).at(0), "c") << "words outweigh an embedder that knows neither";
  EXPECT_EQ(files(index.search("the vehicle", 5)).at(0), "a");
}

TEST(Vectors, only_passages_without_a_vector_are_embedded) {
  int calls = 0;
  Index index = cars_and_fruit();
  index.set_embedder(two_meanings("e", &calls));
  EXPECT_EQ(index.embed([&](size_t done, size_t) { return done == 0 && calls == 0; }), 3u);
  EXPECT_EQ(index.embed(to_the_end), 0u);
  EXPECT_EQ(calls, 3);
  const std::vector<GivenDocument> changed = {given("a", "A fruit basket."), given("d", "A second car.")};
  index.add(changed);
  EXPECT_EQ(index.stats().vectors, 2) << "the old text's vector has left";
  EXPECT_EQ(index.embed(to_the_end), 2u);
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(files(index.search("자동차", 5)).at(0), "d");
}

TEST(Vectors, embedding_stops_when_told_and_goes_on_later) {
  Index index = cars_and_fruit();
  index.set_embedder(two_meanings());
  EXPECT_EQ(index.embed([](size_t, size_t) { return false; }), 0u);
  EXPECT_EQ(index.stats().vectors, 0);
  EXPECT_EQ(index.embed(to_the_end), 3u);
}

TEST(Vectors, vectors_of_another_embedder_are_refused_and_replaced) {
  Index index = cars_and_fruit();
  index.set_embedder(two_meanings("first"));
  index.embed(to_the_end);
  index.set_embedder(two_meanings("second"));
  try {
    index.search("car", 5);
    FAIL() << "two embedders were compared";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("first"), HasSubstr("second")));
  }
  EXPECT_EQ(index.embed(to_the_end), 3u);
  EXPECT_EQ(files(index.search("자동차", 5)).at(0), "a");
}

TEST(Vectors, an_embedder_that_changes_its_length_is_refused) {
  Index index = cars_and_fruit();
  size_t length = 4;
  index.set_embedder({"growing", [&](std::string_view) { return std::vector<float>(length++, 1.0f); }});
  EXPECT_THROW(index.embed(to_the_end), UsageError);
  EXPECT_EQ(index.stats().vectors, 0) << "nothing of what failed is kept";
}

TEST(Vectors, they_last_and_a_damaged_one_is_named) {
  std::string name = (fs::temp_directory_path() / "bantam_vectors_XXXXXX").string();
  const fs::path folder = ::mkdtemp(name.data());
  const fs::path path = folder / "my.index";
  {
    Index index = Index::open(path, Index::Mode::write);
    const std::vector<GivenDocument> documents = {given("a", "The car is in the garage.")};
    index.add(documents);
    index.set_embedder(two_meanings());
    index.embed(to_the_end);
  }
  Index index = Index::open(path, Index::Mode::read);
  index.set_embedder(two_meanings());
  EXPECT_THAT(files(index.search("vehicle", 5)), ElementsAre("a"));
  Database(path, Database::Mode::write).run("INSERT INTO vectors VALUES(77, x'00')");
  EXPECT_THROW(index.search("vehicle", 5), FormatError);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace bantam
