#include "shrink/importance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/test_folder.h"
#include "formats/gguf.h"

namespace bantam {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A file's tensors in memory: a matrix of 4 columns, three experts of 2 x 2, a vector.
struct File {
  std::vector<float> matrix = std::vector<float>(12), experts = std::vector<float>(12), vector = std::vector<float>(4);
  std::vector<NamedTensor> tensors = {{"a.weight", DType::f32, {3, 4}, std::as_bytes(std::span(matrix))},
                                      {"b.weight", DType::f32, {3, 2, 2}, std::as_bytes(std::span(experts))},
                                      {"c.weight", DType::f32, {4}, std::as_bytes(std::span(vector))}};

  Matrix part(std::vector<float>& values, int first, int rows, int cols) {
    return {reinterpret_cast<const std::byte*>(values.data() + first), nullptr, rows, cols, DType::f32};
  }
};

Tensor rows_of(std::vector<real>& values, int cols) {
  return {values.data(), nullptr, static_cast<int>(values.size()) / cols, cols};
}

TEST(Calibration, squares_are_summed_by_column_for_the_whole_matrix_and_its_parts) {
  File file;
  Calibration calibration(file.tensors);
  std::vector<real> x = {1, 2, 0, 3, 1, 0, 0, 3};
  calibration.observe(file.part(file.matrix, 0, 3, 4), rows_of(x, 4));
  calibration.observe(file.part(file.matrix, 8, 1, 4), rows_of(x, 4));  // of a fused matrix
  const auto& squares = calibration.importance().tensors().at("a.weight");
  EXPECT_THAT(squares.sums, ElementsAre(4, 8, 0, 36));
  EXPECT_THAT(squares.rows, ElementsAre(4));
  EXPECT_THAT(calibration.importance().of(file.tensors[0]), ElementsAre(4 / 12.0f, 8 / 12.0f, 0, 3));
}

TEST(Calibration, every_expert_has_its_own_columns) {
  File file;
  Calibration calibration(file.tensors);
  std::vector<real> x = {1, 3};
  calibration.observe(file.part(file.experts, 4, 2, 2), rows_of(x, 2));
  const auto& squares = calibration.importance().tensors().at("b.weight");
  EXPECT_THAT(squares.sums, ElementsAre(0, 0, 1, 9, 0, 0));
  EXPECT_THAT(squares.rows, ElementsAre(0, 1, 0));
  EXPECT_THAT(calibration.importance().of(file.tensors[1]), ElementsAre(1, 1, 0.2f, 1.8f, 1, 1));
}

TEST(Calibration, matrices_from_elsewhere_and_vectors_are_passed_over) {
  File file;
  Calibration calibration(file.tensors);
  std::vector<float> other(16);
  std::vector<real> x = {1, 2, 3, 4};
  calibration.observe(file.part(other, 0, 4, 4), rows_of(x, 4));
  for (const auto& [name, squares] : calibration.importance().tensors()) {
    EXPECT_THAT(squares.sums, testing::Each(0)) << name;
  }
  EXPECT_FALSE(calibration.importance().tensors().contains("c.weight"));
  EXPECT_TRUE(calibration.importance().of(file.tensors[0]).empty());
}

TEST(Importance, what_is_saved_is_loaded_and_matrices_without_input_are_left_out) {
  const TestFolder folder;
  File file;
  Calibration calibration(file.tensors);
  std::vector<real> x = {1, 2, 0, 3};
  calibration.observe(file.part(file.matrix, 0, 3, 4), rows_of(x, 4));
  calibration.importance().save(folder / "i.gguf", {"text.jsonl"}, 512);
  const Importance loaded = Importance::load(folder / "i.gguf");
  EXPECT_EQ(loaded.tensors().size(), 1u);
  EXPECT_EQ(loaded.of(file.tensors[0]), calibration.importance().of(file.tensors[0]));
  EXPECT_TRUE(loaded.of(file.tensors[1]).empty());
  const ModelFile raw = read_gguf(folder / "i.gguf");
  EXPECT_THAT(raw.find("a.weight.in_sum2")->shape, ElementsAre(1, 4));
  EXPECT_THAT(raw.metadata.strings("imatrix.datasets"), ElementsAre("text.jsonl"));
}

// What load() or of() says of a file with these two tensors.
std::string refusal(const std::string& type, std::vector<float> sums, std::vector<float> counts) {
  const TestFolder folder;
  Metadata metadata;
  metadata.set("general.type", type);
  std::vector<NamedTensor> tensors = {
      {"a.weight.in_sum2", DType::f32, {1, static_cast<int64_t>(sums.size())}, std::as_bytes(std::span(sums))}};
  if (!counts.empty()) {
    tensors.push_back(
        {"a.weight.counts", DType::f32, {static_cast<int64_t>(counts.size()), 1}, std::as_bytes(std::span(counts))});
  }
  write_gguf(folder / "i.gguf", metadata, sources_of(tensors));
  try {
    const File file;
    Importance::load(folder / "i.gguf").of(file.tensors[0]);
    return "accepted";
  } catch (const FormatError& error) {
    return error.what();
  }
}

TEST(Importance, broken_files_and_those_of_other_models_are_refused_in_words) {
  EXPECT_EQ(refusal("imatrix", {1, 2, 3, 4}, {7}), "accepted");
  EXPECT_THAT(refusal("model", {1, 2, 3, 4}, {7}), HasSubstr("'general.type' is 'model'"));
  EXPECT_THAT(refusal("imatrix", {1, 2, 3, 4}, {}), HasSubstr("'a.weight.counts' is missing"));
  EXPECT_THAT(refusal("imatrix", {1, 2, 3, 4}, {7, 7}), HasSubstr("4 numbers for 2 matrices of 4 columns"));
  EXPECT_THAT(refusal("imatrix", {1, -2, 3, 4}, {7}), HasSubstr("holds -2"));
  EXPECT_THAT(refusal("imatrix", {1, NAN, 3, 4}, {7}), HasSubstr("holds nan"));
  EXPECT_THAT(refusal("imatrix", {1, 2, 3}, {7}), HasSubstr("it was made for another model"));
}

}  // namespace
}  // namespace bantam
