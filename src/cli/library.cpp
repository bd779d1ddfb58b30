#include "cli/library.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"
#include "cli/embedder_option.h"
#include "cli/index_option.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "retrieval/parse.h"

// docs/manual, file after file: see cmake/pack.cmake.
extern "C" const std::byte bantam_embedded_manual[], bantam_embedded_manual_end[];

namespace bantam {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostSkippedShown = 20;
constexpr char kFileMark = '\x1e';

Index manual() {
  std::string_view pack(reinterpret_cast<const char*>(bantam_embedded_manual),
                        static_cast<size_t>(bantam_embedded_manual_end - bantam_embedded_manual));
  if (pack.empty()) throw UsageError("this build has no manual inside; name documents with --docs or --index");
  std::vector<GivenDocument> documents;
  while (!pack.empty()) {
    pack.remove_prefix(1);
    const size_t line = pack.find('\n'), end = std::min(pack.find(kFileMark), pack.size());
    GivenDocument document{std::string(pack.substr(0, line)), {}, {}};
    document.document = parse_bytes(DocumentFormat::markdown, pack.substr(line + 1, end - line - 1), document.name);
    document.passages = cut_passages(document.document);
    documents.push_back(std::move(document));
    pack.remove_prefix(end);
  }
  Index index = Index::in_memory();
  index.add(documents);
  return index;
}

// Beside the library.index of `bantam index`: one for each set of folders.
fs::path index_of_folders(const std::vector<fs::path>& roots) {
  std::string names;
  for (const fs::path& root : roots) names += root.string() + '\n';
  return index_path({}).parent_path() / fmt::format("docs-{}.index", to_hex(sha256(names), 8));
}

std::vector<fs::path> roots_of(const LibraryOptions& options) {
  std::vector<fs::path> roots;
  for (const std::string& folder : options.docs) {
    if (!fs::exists(folder)) throw IoError("--docs {}: there is no such file or folder", folder);
    roots.push_back(fs::canonical(folder));
  }
  std::sort(roots.begin(), roots.end());
  return roots;
}

// Brought up to date, or as it is where another process writes to it or it may not be written.
Index open_index_of(const LibraryOptions& options, bool& writable) {
  const std::vector<fs::path> roots = roots_of(options);
  const fs::path path = library_path(options);
  try {
    Index index = Index::open(path, Index::Mode::write);
    const UpdateReport report = update_with_progress(index, roots, options.threads, options.max_file_mib);
    tell_skipped(report);
    if (report.stopped) throw Interrupted{};
    writable = true;
    return index;
  } catch (const IoError& error) {
    if (!fs::exists(path)) throw;
    notice(fmt::format("{}; answering from the index as it is", error.what()));
    writable = false;
    return Index::open(path, Index::Mode::read);
  }
}

Index open_folders(const LibraryOptions& options) {
  const InterruptGuard guard;
  bool writable = false;
  Index index = open_index_of(options, writable);
  use_embedder(index, options.embedder, options.threads);
  if (writable && !options.embedder.empty()) embed_with_progress(index);
  throw_if_interrupted();
  return index;
}

}  // namespace

void add_library_options(CLI::App& command, LibraryOptions& options) {
  command.add_option("--docs", options.docs, "folders and files of documents (default: the manual of this program)");
  command.add_option("--index", options.index, "an index file made by `bantam index`");
  add_embedder_option(command, options.embedder);
  command.add_option("--max-file-mib", options.max_file_mib, "skip files larger than this")->capture_default_str();
}

fs::path library_path(const LibraryOptions& options) {
  return options.docs.empty() || !options.index.empty() ? index_path(options.index)
                                                        : index_of_folders(roots_of(options));
}

Index open_library(const LibraryOptions& options) {
  if (options.is_manual()) {
    if (!options.embedder.empty()) throw UsageError("--embedder: the manual has no vectors; name --docs or --index");
    return manual();
  }
  if (!options.docs.empty()) return open_folders(options);
  Index index = Index::open(index_path(options.index), Index::Mode::read);
  use_embedder(index, options.embedder, options.threads);
  return index;
}

std::string library_title(const LibraryOptions& options) {
  if (options.is_manual()) return "the manual of this program";
  if (!options.docs.empty()) return fmt::format("{}", fmt::join(options.docs, ", "));
  return options.index;
}

UpdateReport update_with_progress(Index& index, const std::vector<fs::path>& roots, int threads, size_t max_file_mib) {
  const auto mb = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  ParseOptions parse;
  parse.limits.file_bytes = max_file_mib << 20;
  Progress bar("indexing", 0, "MB");
  UpdateOptions wanted;
  wanted.threads = threads;
  wanted.file_bytes = parse.limits.file_bytes;
  wanted.parse = [&](const fs::path& path) { return parse_document(path, parse); };
  wanted.stop = parse.stop = [] { return interrupted(); };
  wanted.progress = [&](const UpdateProgress& p) {
    bar.set_total(mb(p.total_bytes));
    bar.update(mb(p.done_bytes), fmt::format("{} of {} files", p.done_files, p.total_files));
  };
  return index.update(roots, wanted);
}

void tell_skipped(const UpdateReport& report) {
  for (size_t i = 0; i < std::min(kMostSkippedShown, report.skipped.size()); ++i) {
    const SkippedFile& s = report.skipped[i];
    const bool named = s.reason.starts_with(s.path.string());
    notice(named ? fmt::format("skipped {}", s.reason) : fmt::format("skipped {}: {}", s.path.string(), s.reason));
  }
  if (report.skipped.size() > kMostSkippedShown) {
    notice(fmt::format("and {} more; bantam index --json lists all", report.skipped.size() - kMostSkippedShown));
  }
}

}  // namespace bantam
