#include "retrieval/index.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "retrieval/index_state.h"

namespace bantam {
namespace {

constexpr int64_t kApplicationId = 0x42544D31;  // "BTM1", in the header of the file
constexpr int64_t kVersion = 1;                 // of the tables and of what terms() returns

constexpr const char* kTables =
    "CREATE TABLE roots(path TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE files(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, bytes INTEGER, modified_ns INTEGER,"
    " hash BLOB, problem TEXT, title TEXT, text_bytes INTEGER, first_passage INTEGER, end_passage INTEGER,"
    " first_chunk INTEGER, end_chunk INTEGER);"
    "CREATE TABLE passages(id INTEGER PRIMARY KEY, file INTEGER, chunk INTEGER, begin INTEGER, end INTEGER,"
    " heading TEXT, page INTEGER, content INTEGER);"
    // Texts in zstd, cut between passages.
    "CREATE TABLE chunks(id INTEGER PRIMARY KEY, begin INTEGER, bytes INTEGER, data BLOB);";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void make_tables(Database& database) {
  database.run("PRAGMA page_size = 8192");
  Transaction transaction(database);
  database.run(kTables);
  database.run(Segments::schema());
  database.run(Vectors::schema());
  database.run(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kVersion).c_str());
  transaction.commit();
}

void check_version(Database& database) {
  if (database.integer("PRAGMA application_id") != kApplicationId) {
    throw FormatError("{}: is a database of another program; name another file", database.path().string());
  }
  const int64_t version = database.integer("PRAGMA user_version");
  if (version != kVersion) {
    throw UnsupportedError("{}: the index has version {}, this program reads version {}; delete it and index again",
                           database.path().string(), version, kVersion);
  }
}

Database open_database(const std::filesystem::path& path, Index::Mode mode) {
  if (mode == Index::Mode::read && !std::filesystem::exists(path)) {
    throw IoError("{}: there is no such index; make it with: bantam index FOLDER --index {}", path.string(),
                  path.string());
  }
  Database database(path, mode == Index::Mode::read ? Database::Mode::read : Database::Mode::write);
  const bool empty = database.integer("PRAGMA page_count") == 0;
  if (mode == Index::Mode::write) {
    if (empty) make_tables(database);
    check_version(database);
    database.run(Vectors::schema());
    // A killed process leaves a sound file; a power cut may take the last commits with it.
    database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  } else {
    check_version(database);
  }
  database.run("PRAGMA cache_size = -65536");
  return database;
}

}  // namespace

WriterLock::WriterLock(const std::filesystem::path& index) {
  std::filesystem::path path = index;
  path += ".lock";
  std::error_code ignored;  // the open below tells
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) throw IoError("{}: cannot be created: {}", path.string(), std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    std::string owner(32, '\0');
    const ssize_t got = ::pread(fd_, owner.data(), owner.size(), 0);
    owner.resize(got > 0 ? static_cast<size_t>(got) : 0);
    ::close(fd_);
    throw IoError("{}: process {} is writing to this index; wait for it or name another index", index.string(),
                  owner.empty() ? "another" : owner);
  }
  const std::string own = std::to_string(::getpid());
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, own.data(), own.size(), 0) < 0) {
    const int error = errno;
    ::close(fd_);
    throw IoError("{}: cannot be written: {}", path.string(), std::strerror(error));
  }
}

WriterLock::~WriterLock() {
  if (fd_ >= 0) ::close(fd_);
}

Index::State::State(Database opened, std::optional<WriterLock> held)
    : lock(std::move(held)),
      database(std::move(opened)),
      segments(database),
      vectors(database),
      version(database.prepare("PRAGMA data_version")),
      find_file(database.prepare("SELECT id FROM files WHERE path = ?")),
      read_file(database.prepare("SELECT first_passage, end_passage, first_chunk, end_chunk FROM files WHERE id = ?")),
      read_passage(database.prepare("SELECT p.chunk, p.begin, p.end, p.heading, p.page, p.content, f.path, f.title"
                                    " FROM passages p JOIN files f ON f.id = p.file WHERE p.id = ?")),
      read_chunk(database.prepare("SELECT begin, bytes, data FROM chunks WHERE id = ?")) {
  refresh();
}

void Index::State::refresh() {
  version.reset();
  version.step();
  const int64_t now = version.integer(0);
  version.reset();
  if (now != data_version) {
    segments.load();
    vectors.forget();
  }
  data_version = now;
}

void Index::State::remove_file(int64_t id) {
  read_file.bind_all(id);
  if (!read_file.step()) return;
  const int64_t first = read_file.integer(0), end = read_file.integer(1);
  const int64_t first_chunk = read_file.integer(2), end_chunk = read_file.integer(3);
  read_file.reset();
  segments.remove(first, end);
  vectors.remove(first, end);
  database.prepare("DELETE FROM passages WHERE id >= ? AND id < ?").run(first, end);
  database.prepare("DELETE FROM chunks WHERE id >= ? AND id < ?").run(first_chunk, end_chunk);
  database.prepare("DELETE FROM files WHERE id = ?").run(id);
}

void Index::State::add_file(const std::string& path, const KnownFile& known, const PreparedDocument& document,
                            Batch& batch) {
  const int64_t first_chunk = database.integer("SELECT max(id) FROM chunks") + 1;
  const int64_t first_passage = segments.next_passage() + static_cast<int64_t>(batch.lengths.size());
  SqlStatement add_chunk = database.prepare("INSERT INTO chunks VALUES(?, ?, ?, ?)");
  int64_t chunk = first_chunk;
  for (const TextChunk& c : document.chunks) {
    add_chunk.run(chunk++, static_cast<int64_t>(c.begin), static_cast<int64_t>(c.bytes),
                  std::as_bytes(std::span(c.compressed)));
  }
  const int64_t file =
      database.prepare("INSERT INTO files VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
          .run(std::string_view(path), static_cast<int64_t>(known.bytes), known.modified_ns,
               std::span<const std::byte>(known.hash), std::string_view(known.problem),
               std::string_view(document.title), static_cast<int64_t>(document.text_bytes), first_passage,
               first_passage + static_cast<int64_t>(document.passages.size()), first_chunk, chunk);
  SqlStatement add_passage = database.prepare("INSERT INTO passages VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  size_t in = 0;
  for (const PreparedPassage& p : document.passages) {
    while (in + 1 < document.chunks.size() && document.chunks[in + 1].begin <= p.passage.begin) ++in;
    const auto number = static_cast<uint32_t>(batch.lengths.size());
    add_passage.run(segments.next_passage() + number, file, first_chunk + static_cast<int64_t>(in),
                    static_cast<int64_t>(p.passage.begin), static_cast<int64_t>(p.passage.end),
                    std::string_view(p.passage.heading), static_cast<int64_t>(p.passage.page),
                    static_cast<int64_t>(p.content));
    for (size_t i = 0; i < p.uses; ++i) {
      const auto& [term, use] = document.uses[p.first_use + i];
      batch.postings.push_back({term, number, use});
    }
    batch.lengths.push_back(p.length);
  }
  batch.text_bytes += document.text_bytes;
}

void Index::State::flush(Batch& batch) {
  segments.add(batch.postings, std::move(batch.lengths));
  batch.postings.clear();
  batch.lengths.clear();
  batch.text_bytes = 0;
}

Index::Index(std::unique_ptr<State> state) : state_(std::move(state)) {}
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;
Index::~Index() = default;

Index Index::open(const std::filesystem::path& path, Mode mode) {
  std::optional<WriterLock> lock;
  if (mode == Mode::write) lock.emplace(path);
  return Index(std::make_unique<State>(open_database(path, mode), std::move(lock)));
}

Index Index::in_memory() {
  Database database(":memory:", Database::Mode::write);
  make_tables(database);
  return Index(std::make_unique<State>(std::move(database), std::nullopt));
}

void Index::add(std::span<const GivenDocument> documents) {
  State::Write write(*state_);
  State::Batch batch;
  for (const GivenDocument& given : documents) {
    state_->find_file.bind_all(std::string_view(given.name));
    const bool known = state_->find_file.step();
    const int64_t id = known ? state_->find_file.integer(0) : 0;
    state_->find_file.reset();
    if (known) {
      state_->flush(batch);  // it may hold the one of the same name
      state_->remove_file(id);
    }
    state_->add_file(given.name, {}, prepare(given.document, given.passages, state_->scanner), batch);
  }
  state_->flush(batch);
  while (state_->segments.merge(true)) {
  }
  write.commit();
}

std::optional<std::string> Index::document_text(std::string_view file) {
  SqlStatement find = state_->database.prepare("SELECT first_chunk, end_chunk FROM files WHERE path = ?");
  find.bind_all(file);
  if (!find.step()) return std::nullopt;
  std::string out;
  SqlStatement& read = state_->read_chunk;
  for (int64_t chunk = find.integer(0); chunk < find.integer(1); ++chunk) {
    read.bind_all(chunk);
    if (!read.step()) fail_damaged(state_->database.path().string());
    out += decompress(text_of(read.blob(2)), static_cast<size_t>(read.integer(1)), state_->database.path().string());
    read.reset();
  }
  return out;
}

uint64_t Index::document_frequency(std::string_view term) {
  state_->refresh();
  uint64_t count = 0;
  for (const TermPostings& found : state_->segments.find(term_hash(term))) count += found.entry.passages;
  return count;
}

IndexStats Index::stats() {
  state_->refresh();
  return {state_->database.integer("SELECT count(*) FROM files WHERE problem = ''"), state_->segments.passages(),
          state_->database.integer("SELECT sum(text_bytes) FROM files"),
          static_cast<int64_t>(state_->segments.list().size()), state_->vectors.count()};
}

std::vector<IndexedFile> Index::files() {
  std::vector<IndexedFile> out;
  SqlStatement all = state_->database.prepare(
      "SELECT path, title, bytes, text_bytes, end_passage - first_passage, modified_ns FROM files WHERE problem = '' "
      "ORDER BY path");
  while (all.step()) {
    out.push_back({std::string(all.text(0)), std::string(all.text(1)), static_cast<uint64_t>(all.integer(2)),
                   all.integer(3), all.integer(4), all.integer(5)});
  }
  return out;
}

std::vector<std::filesystem::path> Index::roots() {
  std::vector<std::filesystem::path> out;
  SqlStatement all = state_->database.prepare("SELECT path FROM roots ORDER BY path");
  while (all.step()) out.emplace_back(std::string(all.text(0)));
  return out;
}

void Index::set_ranking(const Ranking& ranking) { state_->ranking = ranking; }

void Index::set_embedder(Embedder embedder) { state_->embedder = std::move(embedder); }

void Index::check() {
  State& s = *state_;
  const std::string source = s.database.path().string();
  SqlStatement integrity = s.database.prepare("PRAGMA integrity_check(1)");
  if (!integrity.step() || integrity.text(0) != "ok") fail_damaged(source);
  integrity.reset();
  s.segments.load();
  s.segments.check();
  if (s.database.integer("SELECT count(*) FROM passages") != s.segments.passages()) fail_damaged(source);
  SqlStatement files = s.database.prepare("SELECT path, text_bytes FROM files");
  while (files.step()) {
    const auto text = document_text(files.text(0));
    if (!text || text->size() != static_cast<size_t>(files.integer(1))) fail_damaged(source);
  }
}

}  // namespace bantam
