// Follow-up questions: "Where was she born?" or "그 회사는?" after a question that named someone or something.
#pragma once

#include <string>
#include <string_view>

#include "retrieval/answer.h"

namespace bantam {

class Dialogue {
 public:
  // The question with its pronoun replaced by what the earlier turns are about, or with that added where it names
  // nothing itself; the question as it is when it stands on its own or nothing was asked before.
  std::string resolve(std::string_view question) const;

  // Takes note of what a turn was about. `question` is as resolve() gave it.
  void remember(std::string_view question, const Answer& answer);

  // What "it" would be now; empty at the beginning.
  const std::string& topic() const { return topic_; }
  void reset() { topic_.clear(); }

 private:
  std::string topic_;
};

}  // namespace bantam
