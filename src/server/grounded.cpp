#include "server/grounded.h"

#include "base/hash.h"
#include "engine/request.h"

namespace bantam {
namespace {

constexpr size_t kMostWaiting = 64;
constexpr size_t kIdBytes = 10;

}  // namespace

std::optional<Findings> GroundedQuestion::take() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  return std::exchange(findings_, std::nullopt);
}

std::string document_id(std::string_view collection, std::string_view path) {
  return to_hex(sha256(fmt::format("{}\n{}", collection, path)), kIdBytes);
}

GroundedAnswers::GroundedAnswers(Collections collections, ReadPassages read)
    : collections_(std::move(collections)), read_(std::move(read)), thread_([this] { run(); }) {}

GroundedAnswers::~GroundedAnswers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::vector<std::string> GroundedAnswers::collections() const {
  std::vector<std::string> out;
  for (const auto& [name, collection] : collections_) out.push_back(name);
  return out;
}

std::string GroundedAnswers::names() const { return fmt::format("{}", fmt::join(collections(), ", ")); }

std::string GroundedAnswers::usual_collection() {
  if (has(kLibrary) && stats(kLibrary).files > 0) return std::string(kLibrary);
  for (const auto& [name, index] : collections_) {
    if (name != kLibrary && name != kManual) return name;
  }
  return std::string(has(kManual) ? kManual : kLibrary);
}

std::vector<IndexedFile> GroundedAnswers::files(std::string_view collection) {
  const std::lock_guard lock(lookup_mutex_);
  return lookups(collection).files();
}

IndexStats GroundedAnswers::stats(std::string_view collection) {
  const std::lock_guard lock(lookup_mutex_);
  return lookups(collection).stats();
}

std::optional<GroundedAnswers::Place> GroundedAnswers::find_document(std::string_view id) {
  for (const auto& [name, index] : collections_) {
    for (IndexedFile& file : files(name)) {
      if (document_id(name, file.path) == id) return Place{name, std::move(file)};
    }
  }
  return std::nullopt;
}

std::optional<std::string> GroundedAnswers::text(const Place& place) {
  const std::lock_guard lock(lookup_mutex_);
  return lookups(place.collection).document_text(place.file.path);
}

std::shared_ptr<GroundedQuestion> GroundedAnswers::ask(const std::string& collection, std::string question,
                                                       size_t passages, Wake wake) {
  auto asked = std::make_shared<GroundedQuestion>();
  asked->collection_ = collection;
  asked->question_ = std::move(question);
  asked->passages_ = passages;
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
    if (const auto question = next.lock()) search(*question);
  }
}

void GroundedAnswers::search(GroundedQuestion& question) {
  std::optional<Findings> found;
  std::exception_ptr failure;
  try {
    Index& index = collections_.find(question.collection_)->second.answers;
    found = find(index, read_, question.question_, question.passages_);
  } catch (...) {
    failure = std::current_exception();
  }
  {
    const std::lock_guard lock(question.mutex_);
    question.findings_ = std::move(found);
    question.failure_ = failure;
  }
  question.wake_();
}

}  // namespace bantam
