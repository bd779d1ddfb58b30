// A language model that answers a question from numbered sources. It can write nothing but sentences that name sources
// it was given, or NOT_FOUND; whether the sources say so is for the caller to check.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/chat_format.h"
#include "engine/generate.h"
#include "text/cited_text.h"

namespace bantam {

struct WriterEvents {
  std::function<void(const CitedSentence&)> on_sentence = nullptr;  // as soon as it is finished
  std::function<bool()> cancelled = nullptr;                        // asked several times a second
};

struct Writing {
  std::vector<CitedSentence> sentences;  // none: the sources do not say, or none was finished
  size_t sources_read = 0;               // the first ones, as many as fit the context
  bool not_found = false;                // the model said so
  FinishReason finish = FinishReason::cancelled;
  Usage usage;
};

class Writer {
 public:
  // context: tokens of sources and answer; 0 takes the default. Throws as Engine does, and UsageError when the
  // vocabulary cannot write a number in brackets.
  Writer(std::shared_ptr<const Model> model, int threads, int context = 0, DType cache_format = kRealType);

  // At most 99 sources, best first. The same question and sources give the same answer. Throws UsageError when not even
  // the first source fits the context.
  Writing write(std::string_view question, std::span<const Source> sources, const WriterEvents& events = {});

 private:
  std::vector<int32_t> prompt(std::string_view question, std::span<const Source> sources) const;

  Engine engine_;
  ChatFormat format_;
  std::shared_ptr<const SortedPieces> pieces_;
};

}  // namespace bantam
