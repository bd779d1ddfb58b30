// Chooses a kernel table for this CPU.
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/tables.h"

namespace bantam {
namespace {

std::string names(std::span<const Kernels* const> tables) {
  std::string list;
  for (const Kernels* table : tables) list += fmt::format("{}{}", list.empty() ? "" : ", ", table->name);
  return list;
}

const std::vector<const Kernels*>& known_kernels() {
  static const Kernels scalar = complete<scalar_table>();
  static const std::vector<const Kernels*> known = [] {
    std::vector<const Kernels*> tables{&scalar};
    for (const VectorTable& table : vector_tables()) tables.push_back(&table.kernels);
    return tables;
  }();
  return known;
}

}  // namespace

std::span<const Kernels* const> usable_kernels() {
  static const std::vector<const Kernels*> usable = [] {
    std::vector<const Kernels*> tables{known_kernels().front()};
    for (const VectorTable& table : vector_tables()) {
      if (table.usable) tables.push_back(&table.kernels);
    }
    return tables;
  }();
  return usable;
}

const Kernels& kernels_by_name(std::string_view name) {
  for (const Kernels* table : usable_kernels()) {
    if (table->name == name) return *table;
  }
  throw UsageError("BANTAM_KERNELS: '{}' is not a kernel table this CPU can run; known here: {}; usable: {}", name,
                   names(known_kernels()), names(usable_kernels()));
}

const Kernels& active_kernels() {
  static const Kernels& active = [&]() -> const Kernels& {
    const char* wanted = std::getenv("BANTAM_KERNELS");
    return wanted && *wanted ? kernels_by_name(wanted) : *usable_kernels().back();
  }();
  return active;
}

}  // namespace bantam
