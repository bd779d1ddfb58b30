#include "server/grounded.h"

#include "engine/request.h"

namespace bantam {
namespace {

constexpr size_t kMostWaiting = 64;

}  // namespace

std::optional<Answer> GroundedQuestion::take() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  return std::exchange(answer_, std::nullopt);
}

GroundedAnswers::GroundedAnswers(std::map<std::string, Index, std::less<>> collections, ReadPassages read)
    : collections_(std::move(collections)), read_(std::move(read)), thread_([this] { run(); }) {}

GroundedAnswers::~GroundedAnswers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::string GroundedAnswers::names() const {
  std::string out;
  for (const auto& [name, index] : collections_) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::shared_ptr<GroundedQuestion> GroundedAnswers::ask(const std::string& collection, std::string question,
                                                       const AnswerOptions& options, Wake wake) {
  auto asked = std::make_shared<GroundedQuestion>();
  asked->collection_ = collection;
  asked->question_ = std::move(question);
  asked->options_ = options;
  asked->wake_ = std::move(wake);
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) throw QueueFullError(static_cast<int>(waiting_.size()), kMostWaiting);
    waiting_.push_back(asked);
  }
  changed_.notify_all();
  return asked;
}

void GroundedAnswers::run() {
  for (;;) {
    std::weak_ptr<GroundedQuestion> next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
      if (stop_) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (const auto question = next.lock()) answer(*question);
  }
}

void GroundedAnswers::answer(GroundedQuestion& question) {
  std::optional<Answer> found;
  std::exception_ptr failure;
  try {
    Index& index = collections_.find(question.collection_)->second;
    found = bantam::answer(index, read_, question.question_, question.options_);
  } catch (...) {
    failure = std::current_exception();
  }
  {
    const std::lock_guard lock(question.mutex_);
    question.answer_ = std::move(found);
    question.failure_ = failure;
  }
  question.wake_();
}

}  // namespace bantam
