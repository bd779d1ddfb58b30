// bantam rm: takes models out of the store.
#include "base/error.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/terminal.h"
#include "store/disk.h"

namespace bantam {
namespace {

struct Options {
  std::vector<std::string> names;
  bool unfinished = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("names", options.names, "models, as bantam list shows them");
  command.add_flag("--unfinished", options.unfinished, "what interrupted downloads have left");
}

void run(const Options& options) {
  if (options.names.empty() && !options.unfinished) throw UsageError("name a model; bantam list shows them");
  const Store store = open_store();
  std::vector<Manifest> models;  // all, before any goes: a mistyped name removes nothing
  for (const std::string& name : options.names) models.push_back(store.get(name));
  StoreEdit edit(store);
  for (const Manifest& model : models) {
    print(fmt::format("{}: removed, {} free\n", model.name, size_text(edit.remove(model))));
  }
  if (options.unfinished) print(fmt::format("unfinished downloads: {} free\n", size_text(edit.remove_unfinished())));
}

}  // namespace

void add_rm(CLI::App& app) {
  add_command<Options>(app, "rm", "Remove models, and the files that no other model uses",
                       "  bantam rm phi3\n"
                       "  bantam rm --unfinished\n",
                       declare, run);
}

}  // namespace bantam
