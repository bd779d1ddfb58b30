// bantam export: a model of the store as one file, to be carried to another machine.
#include "base/error.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "store/disk.h"
#include "store/pack.h"

namespace bantam {
namespace {

struct Options {
  std::string name, file;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("name", options.name, "the model, as bantam list shows it")->required();
  command.add_option("file", options.file, "the file to write: a tar archive")->required();
}

void run(const Options& options) {
  const auto mb = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  const Store store = open_store();
  const Manifest manifest = store.get(options.name);
  const InterruptGuard guard;
  {
    Progress bar("exporting", mb(manifest.bytes()), "MB");
    export_model(store, manifest, options.file, [&](uint64_t done, uint64_t) {
      throw_if_interrupted();
      bar.update(mb(done));
    });
  }
  print(fmt::format("{}: {}, {}\n", options.file, manifest.name, size_text(manifest.bytes())));
}

}  // namespace

void add_export(CLI::App& app) {
  add_command<Options>(app, "export", "Write a model as one file, for a machine without a network",
                       "  bantam export phi3 phi3.bantam\n"
                       "  bantam import phi3.bantam               (there)\n",
                       declare, run);
}

}  // namespace bantam
