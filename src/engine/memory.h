// How much memory a model takes to run, said before it is taken.
#pragma once

#include <cstdint>
#include <filesystem>

#include "model/model.h"

namespace bantam {

struct MemoryNeed {
  uint64_t weights = 0;  // resident_bytes()
  uint64_t cache = 0;    // keys and values of the whole context
  uint64_t work = 0;     // activations of the largest chunk of a prompt, about
  uint64_t program = 0;  // the program itself and the vocabulary, about
  uint64_t total() const { return weights + cache + work + program; }
};

// For a Session of `context` tokens (0: its default) whose cache is in `cache_format`. Throws as KvCache.
MemoryNeed memory_needed(const Model& model, int context, DType cache_format = kRealType);

// The most memory this process has held so far.
uint64_t peak_memory();

// What a process may still take: the machine's available memory or, where that is less, what a control group leaves.
// `root`: of the file system, for tests. The largest number where the system does not tell.
uint64_t available_memory(const std::filesystem::path& root = "/");

// Throws UsageError with the numbers and with what would fit when the model needs more than `available`: a shorter
// context, a cache in less bits, weights in less bits. `what` names the model.
void refuse_unless_it_fits(const Model& model, int context, DType cache_format, uint64_t available,
                           const std::string& what);

}  // namespace bantam
