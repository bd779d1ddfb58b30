// Answers from documents for requests that name a collection of them: search, reader and citations of src/retrieval,
// run one after another in a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "retrieval/answer.h"
#include "server/http.h"

namespace bantam {

// A question on its way. Destroyed, it is not asked any more.
class GroundedQuestion {
 public:
  // The answer, or nothing yet: asked again after Wake. Throws what the search threw.
  std::optional<Answer> take();

 private:
  friend class GroundedAnswers;
  std::mutex mutex_;
  std::string collection_, question_;
  AnswerOptions options_;
  Wake wake_;
  std::optional<Answer> answer_;
  std::exception_ptr failure_;
};

class GroundedAnswers {
 public:
  // `read` is called by one thread at a time.
  GroundedAnswers(std::map<std::string, Index, std::less<>> collections, ReadPassages read);
  ~GroundedAnswers();
  GroundedAnswers(const GroundedAnswers&) = delete;
  GroundedAnswers& operator=(const GroundedAnswers&) = delete;

  bool has(std::string_view collection) const { return collections_.contains(collection); }
  std::string names() const;  // "handbook, manual"
  // Throws QueueFullError. Any thread may ask.
  std::shared_ptr<GroundedQuestion> ask(const std::string& collection, std::string question,
                                        const AnswerOptions& options, Wake wake);

 private:
  void run();
  void answer(GroundedQuestion& question);

  std::map<std::string, Index, std::less<>> collections_;  // used by the thread only
  ReadPassages read_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::weak_ptr<GroundedQuestion>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace bantam
