#include "server/page/document_library.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "server/body_file.h"
#include "text/unicode.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 120;  // bytes, so that a number and its folder still fit

bool is_within(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

fs::path made_folder(const fs::path& path) {
  fs::create_directories(path);
  fs::permissions(path, fs::perms::owner_all);
  return fs::canonical(path);
}

DocumentLibraryOptions prepared(DocumentLibraryOptions options) {
  options.folder = made_folder(options.folder);
  made_folder(options.folder / "files");
  for (fs::path& folder : options.allowed) {
    if (!fs::exists(folder)) throw IoError("{}: there is no such file or folder", folder.string());
    folder = fs::canonical(folder);
  }
  return options;
}

// "report (2).pdf" for n = 2.
std::string numbered(const std::string& name, int n) {
  const fs::path path(name);
  return fmt::format("{} ({}){}", path.stem().string(), n, path.extension().string());
}

}  // namespace

std::string safe_document_name(const std::string& given) {
  const std::string text = to_nfc(given.substr(given.find_last_of("/\\") + 1));
  if (find_invalid_utf8(text)) throw UsageError("name: is no UTF-8");
  std::string name;
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = *decode_utf8(std::string_view(text).substr(at));
    at += static_cast<size_t>(c.bytes);
    if (is_printable(c.value) && !(name.empty() && (c.value == U'.' || c.value == U' '))) append_utf8(name, c.value);
  }
  const std::string extension = fs::path(name).extension().string();
  if (name.size() > kLongestName && extension.size() < kLongestName) {
    name.resize(whole_utf8_prefix(std::string_view(name).substr(0, kLongestName - extension.size())));
    name += extension;
  }
  if (name.empty() || name.size() > kLongestName)
    throw UsageError("name: '{}' is no name for a file", given.substr(0, 100));
  if (!format_of(name)) {
    throw UsageError(
        "{}: documents of this kind are not read; there are: PDF, DOCX, HTML, Markdown, text, CSV, JSON, "
        "source code",
        name);
  }
  return name;
}

DocumentLibrary::DocumentLibrary(DocumentLibraryOptions options)
    : options_(prepared(std::move(options))), index_(Index::open(index_path(), Index::Mode::write)) {
  fs::remove_all(incoming());  // what a killed process left; the index's lock says that no other one is at it
  made_folder(incoming());
  std::vector<fs::path> roots = options_.allowed;
  roots.push_back(uploads());
  index_.keep_only(roots);  // folders of an earlier start are closed again
  wanted_.insert(roots.begin(), roots.end());
  progress_.running = true;
  thread_ = std::thread([this] { run(); });
}

DocumentLibrary::~DocumentLibrary() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool DocumentLibrary::is_upload(const fs::path& file) const { return is_within(file, uploads()); }

fs::path DocumentLibrary::add(BodyFile& body, const std::string& given) {
  if (body.bytes() == 0) throw UsageError("{}: the file is empty", given.substr(0, 100));
  const std::string name = safe_document_name(given);
  const Hash hash = sha256_file(body.path());
  const std::lock_guard lock(mutex_);
  fs::path path = uploads() / name;
  for (int n = 2; fs::exists(path); ++n) {
    if (fs::file_size(path) == body.bytes() && sha256_file(path) == hash) return path;
    path = uploads() / numbered(name, n);
  }
  body.move_to(path);
  wanted_.insert(uploads());
  progress_.running = true;
  changed_.notify_all();
  return path;
}

fs::path DocumentLibrary::add_folder(const fs::path& given) {
  std::error_code error;
  const fs::path folder = given.is_absolute() ? fs::canonical(given, error) : fs::path();
  const auto holds = [&](const fs::path& allowed) { return is_within(folder, allowed); };
  // The same for what is not there: strangers do not learn which folders exist.
  if (error || folder.empty() || std::ranges::none_of(options_.allowed, holds)) {
    throw UsageError("path: the server may not read this folder; its owner allows it with: bantam serve --docs FOLDER");
  }
  want(folder);
  return folder;
}

void DocumentLibrary::remove(const fs::path& file) {
  if (!is_upload(file)) {
    throw UsageError("{}: is in a folder of its owner; delete it there, or start the server without that folder",
                     file.filename().string());
  }
  std::error_code error;
  fs::remove(file, error);
  if (error) throw IoError("{}: cannot be deleted: {}", file.filename().string(), error.message());
  want(uploads());
}

void DocumentLibrary::want(const fs::path& root) {
  const std::lock_guard lock(mutex_);
  wanted_.insert(root);
  progress_.running = true;
  changed_.notify_all();
}

DocumentLibrary::Status DocumentLibrary::status() const {
  const std::lock_guard lock(mutex_);
  Status out{progress_, {}};
  for (const auto& [path, reason] : problems_) out.problems.push_back({path, reason});
  return out;
}

void DocumentLibrary::run() {
  for (;;) {
    std::vector<fs::path> roots;
    {
      std::unique_lock lock(mutex_);
      if (wanted_.empty()) progress_ = {};
      changed_.wait(lock, [&] { return stop_ || !wanted_.empty(); });
      if (stop_) return;
      roots.assign(wanted_.begin(), wanted_.end());
      wanted_.clear();
    }
    for (const fs::path& root : roots) update({root});
  }
}

void DocumentLibrary::update(std::vector<fs::path> roots) {
  const auto stopped = [this] {
    const std::lock_guard lock(mutex_);
    return stop_;
  };
  ParseOptions parse = options_.parse;
  parse.stop = stopped;
  UpdateOptions wanted;
  wanted.threads = options_.threads;
  wanted.file_bytes = parse.limits.file_bytes;
  wanted.parse = [&](const fs::path& path) { return parse_document(path, parse); };
  wanted.stop = stopped;
  wanted.progress = [this](const UpdateProgress& p) {
    const std::lock_guard lock(mutex_);
    progress_ = {true, p.done_files, p.total_files, p.file ? p.file->filename().string() : ""};
  };
  try {
    note_problems(roots, index_.update(roots, wanted).skipped);
  } catch (const std::exception& error) {  // the folder is gone, the disk is full: told, and tried again when asked
    note_problems(roots, {{roots[0], error.what()}});
  }
}

void DocumentLibrary::note_problems(const std::vector<fs::path>& roots, std::vector<SkippedFile> skipped) {
  const std::lock_guard lock(mutex_);
  std::erase_if(problems_, [&](const auto& known) {
    return std::ranges::any_of(roots, [&](const fs::path& root) { return is_within(known.first, root); });
  });
  for (SkippedFile& s : skipped) problems_.insert_or_assign(std::move(s.path), std::move(s.reason));
}

}  // namespace bantam
