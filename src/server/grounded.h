// Answers from documents for requests that name a collection of them: search and reader of src/retrieval, run one after
// another in a thread of its own.
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
#include <vector>

#include "retrieval/answer.h"
#include "server/http.h"

namespace bantam {

// A question on its way. Destroyed, it is not asked any more.
class GroundedQuestion {
 public:
  // What was found, or nothing yet: asked again after Wake. Throws what the search threw.
  std::optional<Findings> take();

 private:
  friend class GroundedAnswers;
  std::mutex mutex_;
  std::string collection_, question_;
  size_t passages_ = 0;
  Wake wake_;
  std::optional<Findings> findings_;
  std::exception_ptr failure_;
};

// An index twice: one answers, the other is looked into meanwhile.
struct Collection {
  Index answers, lookups;
};

class GroundedAnswers {
 public:
  // Names of collections: what was added on the page, and the manual of this program.
  static constexpr std::string_view kLibrary = "documents", kManual = "manual";

  using Collections = std::map<std::string, Collection, std::less<>>;

  // `read` is called by one thread at a time.
  GroundedAnswers(Collections collections, ReadPassages read);
  ~GroundedAnswers();
  GroundedAnswers(const GroundedAnswers&) = delete;
  GroundedAnswers& operator=(const GroundedAnswers&) = delete;

  // Any thread may call these. Collections must be there.
  bool has(std::string_view collection) const { return collections_.contains(collection); }
  std::vector<std::string> collections() const;
  std::string names() const;  // "handbook, manual"
  // Where to look when nobody says where: the library unless it is empty, else the first of the operator's, else the
  // manual.
  std::string usual_collection();
  std::vector<IndexedFile> files(std::string_view collection);
  IndexStats stats(std::string_view collection);

  struct Place {
    std::string collection;
    IndexedFile file;
  };
  // By document_id(); nothing when no collection has it.
  std::optional<Place> find_document(std::string_view id);
  std::optional<std::string> text(const Place& place);

  // Throws QueueFullError.
  std::shared_ptr<GroundedQuestion> ask(const std::string& collection, std::string question, size_t passages,
                                        Wake wake);

 private:
  void run();
  void search(GroundedQuestion& question);
  Index& lookups(std::string_view collection) { return collections_.find(collection)->second.lookups; }

  Collections collections_;  // `answers` are used by the thread only
  ReadPassages read_;
  std::mutex lookup_mutex_;  // of all `lookups`
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::weak_ptr<GroundedQuestion>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

// What the page opens a document by: the same as long as the file has its path.
std::string document_id(std::string_view collection, std::string_view path);

}  // namespace bantam
