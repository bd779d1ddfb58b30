// How much each column of each matrix matters: the mean square of the inputs that it meets on some text. Collected by
// `bantam calibrate`, used by quantize(), kept in the GGUF files that llama.cpp calls importance matrices.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/model_file.h"
#include "tensor/tensor.h"

namespace bantam {

class Importance {
 public:
  // Sums over the rows seen: [matrices, cols]. Tensors of experts are several matrices.
  struct Squares {
    int64_t cols = 0;
    std::vector<double> sums;
    std::vector<double> rows;  // of each matrix
  };

  // From `general.type` "imatrix": tensors NAME.in_sum2 and NAME.counts. Throws IoError, FormatError or
  // UnsupportedError.
  static Importance load(const std::filesystem::path& path);
  // `data` names what was read. Throws IoError.
  void save(const std::filesystem::path& path, const std::vector<std::string>& data, int context) const;

  // Columns' importance for each matrix of a tensor, 1 on average: [matrices, cols]. Empty when the tensor is not known
  // or met no input but zeros. Throws FormatError when it is known with other sizes.
  std::vector<float> of(const NamedTensor& tensor) const;

  const std::map<std::string, Squares, std::less<>>& tensors() const { return tensors_; }

 private:
  friend class Calibration;

  std::string source_ = "importance";
  std::map<std::string, Squares, std::less<>> tensors_;
};

// Collects importance while a model runs: set as Compute::on_linear.
class Calibration {
 public:
  // The tensors of the running model's file.
  explicit Calibration(std::span<const NamedTensor> tensors);

  // x[T, cols] is about to be multiplied by w. Does nothing for a matrix outside the file's tensors.
  void observe(const Matrix& w, const Tensor& x);

  const Importance& importance() const { return importance_; }

 private:
  struct Place {
    const std::byte* end;
    size_t matrix_bytes;
    Importance::Squares* squares;
  };

  Importance importance_;
  std::map<const std::byte*, Place> places_;  // by first byte
};

}  // namespace bantam
