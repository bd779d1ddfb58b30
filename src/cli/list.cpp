// bantam list: the models that have names.
#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/terminal.h"
#include "store/disk.h"
#include "store/hub.h"

namespace bantam {
namespace {

struct Options {
  bool json = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_flag("--json", options.json, "print them as a JSON array");
}

void print_json(const Store& store, const std::vector<Manifest>& models) {
  Json out = Json::array();
  for (const Manifest& m : models) {
    Json files = Json::array();
    for (const StoredFile& f : m.files) files.push_back({{"path", f.path}, {"sha256", f.sha256}, {"bytes", f.size}});
    out.push_back({{"name", m.name},
                   {"bytes", m.bytes()},
                   {"source", m.source},
                   {"revision", m.revision},
                   {"licence", m.licence},
                   {"created", m.created},
                   {"model", store.model_path(m).string()},
                   {"files", files}});
  }
  print(to_line(out) + "\n");
}

void print_table(const std::vector<Manifest>& models) {
  size_t name = 4, licence = 7;
  for (const Manifest& m : models) {
    name = std::max(name, m.name.size());
    licence = std::max(licence, m.licence.size());
  }
  const auto line = [&](std::string_view a, std::string_view b, std::string_view c, std::string_view d,
                        std::string_view e) {
    print(fmt::format("{:<{}}  {:>9}  {:<{}}  {:<10}  {}\n", a, name, b, c, licence, d, e));
  };
  line("NAME", "SIZE", "LICENCE", "DATE", "SOURCE");
  for (const Manifest& m : models) {
    line(m.name, size_text(m.bytes()), m.licence.empty() ? "-" : m.licence, m.created.substr(0, 10), m.source);
  }
}

void run(const Options& options) {
  const Store store = open_store();
  const std::vector<Manifest> models = store.list();
  if (options.json) return print_json(store, models);
  if (models.empty()) {
    std::string aliases;
    for (const auto& [alias, model] : model_aliases()) aliases += fmt::format(" {}", alias);
    notice(fmt::format("no models yet; bantam pull gets one, such as{}", aliases));
  } else {
    print_table(models);
  }
  if (const uint64_t bytes = store.unfinished_bytes()) {
    notice(fmt::format("{} of unfinished downloads; bantam rm --unfinished deletes them", size_text(bytes)));
  }
}

}  // namespace

void add_list(CLI::App& app) {
  add_command<Options>(app, "list", "The models that -m knows by name",
                       "  bantam list\n"
                       "  bantam list --json\n",
                       declare, run);
}

}  // namespace bantam
