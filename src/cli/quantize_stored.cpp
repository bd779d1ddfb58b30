#include "cli/quantize_stored.h"

#include "base/error.h"
#include "base/hash.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "formats/gguf.h"
#include "formats/hf_folder.h"
#include "model/model.h"
#include "model/save.h"
#include "shrink/quantize.h"

namespace bantam {
namespace {

namespace fs = std::filesystem;

void write_folder_as_gguf(const fs::path& folder, const std::string& name, const fs::path& out) {
  const auto model = Model::from_file(read_hf_folder(folder), LoadFor::looking);
  Metadata metadata = gguf_metadata(model->config());
  metadata.set("general.name", name);
  for (const auto& [key, value] : model->metadata()) {
    if (key.starts_with("tokenizer.")) metadata.set(key, value);
  }
  write_gguf(out, metadata, gguf_tensors(model->config(), model->weights()));
}

// A file of the store's that goes when this does.
struct Scratch {
  fs::path path;
  ~Scratch() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

}  // namespace

const Mix& mix_for_flag(const std::string& flag, const std::string& name) {
  if (const Mix* mix = find_mix(name)) return *mix;
  std::string names;
  for (const Mix& mix : all_mixes()) names += fmt::format("{}{}", names.empty() ? "" : ", ", mix.name);
  throw UsageError("{} is '{}', wanted one of {}", flag, name, names);
}

Manifest quantize_stored(StoreEdit& edit, const Manifest& model, const std::string& name, const Mix& mix) {
  const Scratch converted{edit.part_path("converted " + model.name)};
  const Scratch quantized{edit.part_path("quantized " + model.name)};
  fs::path from = edit.store().model_path(model);
  if (!model.gguf()) {
    notice("writing the folder as a GGUF file");
    write_folder_as_gguf(from, name, converted.path);
    from = converted.path;
  }
  QuantizeOptions options;
  options.to = mix;
  ThreadPool pool(available_cpus());
  QuantizeReport report;
  {
    Progress bar("quantizing", 0, "MB");
    report = quantize(from, quantized.path, options, pool, [&](uint64_t done, uint64_t total) {
      throw_if_interrupted();
      bar.set_total(static_cast<double>(total) * 1e-6);
      bar.update(static_cast<double>(done) * 1e-6);
    });
  }
  for (const std::string& note : report.notes) notice(note);
  Manifest small = model;
  small.name = name;
  small.source = fmt::format("{} --quantize {}", model.source, mix.name);
  const uint64_t size = fs::file_size(quantized.path);
  const std::string hash = to_hex(sha256_file(quantized.path, [](uint64_t) { throw_if_interrupted(); }));
  edit.adopt(quantized.path, hash);
  small.files = {{fmt::format("{}.gguf", name), hash, size}};
  edit.publish(small);
  return small;
}

}  // namespace bantam
