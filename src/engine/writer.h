// A language model that answers a question from numbered sources. It can write nothing but sentences that name sources
// it was given, or NOT_FOUND; whether the sources say so is for the caller to check.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/chat_format.h"
#include "engine/constraint.h"
#include "engine/generate.h"
#include "text/chat.h"
#include "text/cited_text.h"

namespace bantam {

// The parts of writing, for those who run an engine of their own; Writer is made of them too.

inline constexpr size_t kMostSources = 99;
inline constexpr int kMostWrittenTokens = 400;

// What a model is asked.
std::vector<ChatMessage> writing_messages(std::string_view question, std::span<const Source> sources);
// Holds it to sentences that name `sources` sources, or NOT_FOUND. Throws UsageError when the vocabulary cannot write a
// number in brackets.
std::unique_ptr<Constraint> writing_constraint(std::shared_ptr<const SortedPieces> pieces, int sources);

// The sentences of a text that comes in pieces.
class WrittenSentences {
 public:
  // Those that `piece` has finished. The last one is not: it may get more numbers.
  std::vector<CitedSentence> add(std::string_view piece);
  // Those that were left when the text has ended.
  std::vector<CitedSentence> finish();
  // The text was NOT_FOUND.
  bool not_found() const { return told_ == 0 && text_.ends_with(kNotFound); }

 private:
  std::vector<CitedSentence> tell(size_t up_to, std::vector<CitedSentence> all);

  std::string text_;
  size_t told_ = 0;
};

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

  const Tokenizer& tokenizer() const { return engine_.tokenizer(); }

 private:
  Engine engine_;
  ChatFormat format_;
  std::shared_ptr<const SortedPieces> pieces_;
};

}  // namespace bantam
