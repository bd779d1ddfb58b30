// bantam index: reads folders of documents into an index file that search and ask use.
#include "retrieval/index.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "cli/command.h"
#include "cli/embedder_option.h"
#include "cli/index_option.h"
#include "cli/interrupt.h"
#include "cli/library.h"
#include "cli/terminal.h"
#include "retrieval/parse.h"
#include "retrieval/watch.h"

namespace bantam {
namespace {

struct Options {
  std::vector<std::string> folders;
  std::string index, embedder;
  int threads = available_cpus();
  size_t max_file_mib = ParseLimits{}.file_bytes >> 20;
  bool watch = false, json = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("folders", options.folders, "folders and files to read (default: those of the last times)");
  add_index_option(command, options.index);
  add_embedder_option(command, options.embedder);
  command.add_option("-t,--threads", options.threads, "threads that read files")->capture_default_str();
  command.add_option("--max-file-mib", options.max_file_mib, "skip files larger than this")->capture_default_str();
  command.add_flag("--watch", options.watch, "stay, and follow what changes in the folders until Ctrl-C");
  command.add_flag("--json", options.json, "one JSON object per update on standard output");
}

double mb(uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

Json json_of(const UpdateReport& report, const IndexStats& stats, const std::filesystem::path& path) {
  Json skipped = Json::array(), unknown = Json::object();
  for (const SkippedFile& s : report.skipped) skipped.push_back({{"file", s.path.string()}, {"reason", s.reason}});
  for (const auto& [extension, files] : report.unknown) unknown[extension] = files;
  return {{"index", path.string()},
          {"added", report.added},
          {"changed", report.changed},
          {"unchanged", report.unchanged},
          {"removed", report.removed},
          {"skipped", skipped},
          {"unknown", unknown},
          {"text_bytes", report.text_bytes},
          {"stopped", report.stopped},
          {"total",
           {{"files", stats.files},
            {"passages", stats.passages},
            {"vectors", stats.vectors},
            {"text_bytes", stats.text_bytes}}}};
}

void tell(const UpdateReport& report, Index& index, const std::filesystem::path& path, const Options& options) {
  const IndexStats stats = index.stats();
  if (options.json) {
    print(to_line(json_of(report, stats, path)) + "\n");
    flush_output();
    return;
  }
  tell_skipped(report);
  print(fmt::format("{} new, {} changed, {} removed, {} unchanged, {} skipped{}\n", report.added, report.changed,
                    report.removed, report.unchanged, report.skipped.size(),
                    report.stopped ? "; stopped, run it again to go on" : ""));
  print(fmt::format("{}: {} files, {} passages{}, {:.1f} MB of text\n", path.string(), stats.files, stats.passages,
                    stats.vectors > 0 ? fmt::format(" ({} with vectors)", stats.vectors) : "",
                    mb(static_cast<uint64_t>(stats.text_bytes))));
  flush_output();
}

bool did_anything(const UpdateReport& report) { return report.added + report.changed + report.removed > 0; }

// Reads what is new and, with an embedder, gives it vectors.
UpdateReport bring_up_to_date(Index& index, const std::vector<std::filesystem::path>& roots, const Options& options) {
  UpdateReport report = update_with_progress(index, roots, options.threads, options.max_file_mib);
  if (!options.embedder.empty() && !report.stopped) embed_with_progress(index);
  report.stopped |= interrupted();
  return report;
}

void follow(Index& index, const std::vector<std::filesystem::path>& roots, UpdateReport report,
            const std::filesystem::path& path, const Options& options) {
  FolderWatch watch;
  if (!options.json) notice("watching; Ctrl-C ends");
  for (;;) {
    // What changes in a folder before it is watched is seen by the next update.
    if (!watch.add(report.folders) && !watch.wait(interrupt_descriptor())) return;
    report = bring_up_to_date(index, roots, options);
    if (did_anything(report)) tell(report, index, path, options);
    if (report.stopped) return;
  }
}

void run(const Options& options) {
  if (options.threads < 1 || options.threads > 1024) {
    throw UsageError("--threads is {}, wanted 1 to 1024", options.threads);
  }
  const auto path = index_path(options.index);
  Index index = Index::open(path, Index::Mode::write);
  std::vector<std::filesystem::path> roots(options.folders.begin(), options.folders.end());
  if (roots.empty()) roots = index.roots();
  if (roots.empty()) throw UsageError("{} knows no folders yet; name one: bantam index FOLDER", path.string());
  const InterruptGuard guard;
  use_embedder(index, options.embedder, options.threads);
  const UpdateReport report = bring_up_to_date(index, roots, options);
  tell(report, index, path, options);
  if (options.watch && !report.stopped) follow(index, roots, report, path, options);
  if (report.stopped) throw Interrupted{};
}

}  // namespace

void add_index(CLI::App& app) {
  add_command<Options>(app, "index", "Read folders of documents, so that search and ask find what they say",
                       "  bantam index ~/Documents\n"
                       "  bantam index                       (looks for changes in the same folders)\n"
                       "  bantam index notes papers --index work.index --watch\n"
                       "  bantam index notes --index work.index --embedder embedding.gguf\n",
                       declare, run);
}

}  // namespace bantam
