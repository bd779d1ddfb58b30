// bantam import: takes a model that is on this machine, or on a disk from another one, into the store.
#include "base/error.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "store/disk.h"
#include "store/hub.h"
#include "store/pack.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string from, name;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("from", options.from, "a GGUF file, a Hugging Face folder, or what bantam export wrote")
      ->required();
  command.add_option("--name", options.name, "what to call it (default: after the file, or as it was exported)");
}

double mb(uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

// The model's files among those of a folder, or the one file.
std::vector<fs::path> files_of(const fs::path& from) {
  if (!fs::is_directory(from)) return {from};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(from)) {
    if (is_folder_file(entry.path().filename().string())) files.push_back(entry.path());
  }
  return files;
}

std::string file_name_of(const fs::path& path, bool only) {
  const std::string name = path.filename().string();
  return only && path.extension() != ".gguf" ? name + ".gguf" : name;
}

Manifest import_files(const Store& store, const Options& options) {
  const fs::path from = fs::canonical(options.from);
  open_model_file(from.string());  // what no reader takes is refused before it is copied
  const bool folder = fs::is_directory(from);
  const std::string usual = model_name_from((folder ? from.filename() : from.stem()).string());
  const std::string name = free_model_name(store, options.name.empty() ? usual : options.name, from.string());
  const std::vector<fs::path> files = files_of(from);
  uint64_t total = 0, done = 0;
  for (const fs::path& file : files) total += fs::file_size(file);
  Manifest manifest{name, from.string(), "", "", timestamp(), {}};
  StoreEdit edit(store);
  require_space(store.folder(), total);
  Progress bar("importing", mb(total), "MB");
  for (const fs::path& file : files) {
    manifest.files.push_back(edit.copy_in(file, file_name_of(file, !folder), [&](uint64_t bytes) {
      throw_if_interrupted();
      bar.update(mb(done + bytes));
    }));
    done += manifest.files.back().size;
  }
  edit.publish(manifest);
  return manifest;
}

Manifest import_archive(const Store& store, const Options& options) {
  const Manifest packed = read_exported_manifest(options.from);
  const std::string name = free_model_name(store, options.name.empty() ? packed.name : options.name, packed.source);
  StoreEdit edit(store);
  Progress bar("importing", mb(packed.bytes()), "MB");
  return import_model(edit, options.from, name, [&](uint64_t bytes, uint64_t) {
    throw_if_interrupted();
    bar.update(mb(bytes));
  });
}

void run(const Options& options) {
  if (!fs::exists(options.from)) throw IoError("{}: No such file or folder", options.from);
  const Store store = open_store();
  const InterruptGuard guard;
  const Manifest manifest =
      is_exported_model(options.from) ? import_archive(store, options) : import_files(store, options);
  print(fmt::format("{}: {}, {}\n", manifest.name, size_text(manifest.bytes()), manifest.source));
}

}  // namespace

void add_import(CLI::App& app) {
  add_command<Options>(app, "import", "Give a name to a model that is on this machine",
                       "  bantam import model.gguf --name mine\n"
                       "  bantam import SmolLM2-135M-Instruct\n"
                       "  bantam import phi3.bantam               (from bantam export on another machine)\n",
                       declare, run);
}

}  // namespace bantam
