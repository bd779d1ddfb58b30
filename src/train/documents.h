// The documents people train on: plain texts, and conversations of which only the answers are learned.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "text/chat.h"
#include "text/corpus.h"

namespace bantam {

// Either a text or, when `messages` is not empty, a conversation.
struct TrainingDocument {
  std::string text;
  std::vector<ChatMessage> messages;
};

// Reads what CorpusReader reads, and .jsonl files (.zst too) whose first row is a conversation: then every row is one
// of
//   {"messages": [{"role", "content"}, ...]}
//   {"prompt", "completion" or "response"}     {"question", "answer" or "answers"[0]}
//   {"instruction", "input" (may be empty or missing), "output"}
class DocumentReader {
 public:
  // Throws as CorpusReader does.
  explicit DocumentReader(const std::filesystem::path& path);

  // The next document, or nothing at the end. Throws FormatError naming file, line and field.
  std::optional<TrainingDocument> next();
  bool reads_conversations() const { return conversations_; }

 private:
  std::filesystem::path path_;
  CorpusReader reader_;
  bool conversations_ = false;
};

}  // namespace bantam
