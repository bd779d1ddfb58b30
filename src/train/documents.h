// The documents people train on: plain texts, conversations of which only the answers are learned, and questions with
// the passage that answers them or does not.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "text/chat.h"
#include "text/corpus.h"

namespace bantam {

struct ReadingExample {
  struct Span {
    size_t begin, end;  // bytes of the passage
  };
  std::string question, passage;
  std::vector<Span> answers;  // each is right; none: the passage does not answer the question
};

// A text, or a conversation when `messages` is not empty, or an example of reading when there is one.
struct TrainingDocument {
  std::string text;
  std::vector<ChatMessage> messages;
  std::optional<ReadingExample> reading;
};

// Reads what CorpusReader reads, and .jsonl files (.zst too) whose first row is a conversation: then every row is one
// of
//   {"messages": [{"role", "content"}, ...]}
//   {"prompt", "completion" or "response"}     {"question", "answer" or "answers"[0]}
//   {"instruction", "input" (may be empty or missing), "output"}
// or, when the first row has a "passage", every row is
//   {"question", "passage", "answers": [[begin, end], ...]}    bytes of the passage; [] where it does not answer
class DocumentReader {
 public:
  // Throws as CorpusReader does.
  explicit DocumentReader(const std::filesystem::path& path);

  // The next document, or nothing at the end. Throws FormatError naming file, line and field.
  std::optional<TrainingDocument> next();
  bool reads_conversations() const { return rows_ == Rows::conversations; }
  bool reads_readings() const { return rows_ == Rows::readings; }

 private:
  std::filesystem::path path_;
  CorpusReader reader_;
  enum class Rows { texts, conversations, readings };
  Rows rows_ = Rows::texts;
};

}  // namespace bantam
