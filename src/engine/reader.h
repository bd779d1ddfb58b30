// Runs a reader model: where in some passages is the answer to a question, if anywhere?
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "model/kv_cache.h"
#include "model/model.h"
#include "model/run.h"
#include "text/reading.h"
#include "text/tokenizer.h"

namespace bantam {

class Reader {
 public:
  // Throws UsageError when the model is no reader or its vocabulary cannot encode for one.
  Reader(std::shared_ptr<const Model> model, int threads);

  // For each passage its best spans, at most `count`, best first. Both in NFC. A question is read up to its 128th
  // token; a passage too long for the model is read in windows that share half of their text. A passage's result does
  // not depend on the others.
  std::vector<std::vector<AnswerSpan>> read(std::string_view question, std::span<const std::string_view> passages,
                                            size_t count = 20);

 private:
  std::shared_ptr<const Model> model_;
  Tokenizer tokenizer_;
  ThreadPool pool_;
  Compute compute_;
  Arena arena_;
  KvCache no_cache_;
};

}  // namespace bantam
