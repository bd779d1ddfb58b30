// bantam pull: fetches a model from Hugging Face, a mirror or a URL into the store, with smaller weights if asked.
#include "store/pull.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/interrupt.h"
#include "cli/model_option.h"
#include "cli/progress.h"
#include "cli/quantize_stored.h"
#include "cli/terminal.h"
#include "store/disk.h"

namespace bantam {
namespace {

constexpr const char* kHub = "https://huggingface.co";
constexpr uint64_t kSlowestLimit = 16'384;  // one read of libcurl's

struct Options {
  std::string model, name, token_file, sha256, rate, quantize;
  int connections = DownloadOptions{}.connections;
};

void declare(CLI::App& command, Options& options) {
  std::string aliases;
  for (const auto& [name, model] : model_aliases()) aliases += fmt::format("{}{}", aliases.empty() ? "" : ", ", name);
  command
      .add_option("model", options.model,
                  fmt::format("hf:ORG/NAME[:QUANT][@REVISION], the URL of a GGUF file, or one of {}", aliases))
      ->required();
  command.add_option("--name", options.name, "what to call it (default: after the file or the repository)");
  command.add_option("--token-file", options.token_file,
                     "file with an access token, for models whose licence must be accepted (default: $HF_TOKEN)");
  command.add_option("--quantize", options.quantize,
                     "store the weights in a smaller format, as bantam quantize --to does: q4_k_m, q8_0, ...");
  command.add_option("--sha256", options.sha256, "hash the file at a URL must have");
  command.add_option("--limit-rate", options.rate, "most bytes per second: 500k, 2M (default: no limit)");
  command.add_option("--connections", options.connections, "parts of a file fetched side by side")
      ->capture_default_str();
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// "500k": decimal, with k, M or G.
uint64_t rate_of(const std::string& text) {
  if (text.empty()) return 0;
  constexpr std::string_view kUnits = "kmg";
  double rate = 0;
  size_t used = 0;
  try {
    rate = std::stod(text, &used);
  } catch (const std::logic_error&) {
    used = 0;
  }
  if (used > 0 && used + 1 == text.size()) {
    const size_t unit = kUnits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(text.back()))));
    for (size_t i = 0; unit != std::string_view::npos && i <= unit; ++i) rate *= 1000;
    used += unit != std::string_view::npos;
  }
  if (used != text.size() || !(rate >= static_cast<double>(kSlowestLimit) && rate < 1e15)) {
    throw UsageError("--limit-rate is '{}', wanted at least {} bytes per second, such as 500k or 2M", text,
                     kSlowestLimit);
  }
  return static_cast<uint64_t>(rate);
}

std::string endpoint() {
  std::string address = environment("HF_ENDPOINT");
  if (address.empty()) address = kHub;
  while (address.ends_with('/')) address.pop_back();
  if (!origin_of(address)) throw UsageError("HF_ENDPOINT is '{}', which is no http or https address", address);
  return address;
}

HttpCredentials credentials(const Options& options, const std::string& endpoint) {
  HttpCredentials found{trimmed(options.token_file.empty() ? environment("HF_TOKEN") : read_file(options.token_file)),
                        *origin_of(endpoint)};
  if (std::any_of(found.token.begin(), found.token.end(), [](char c) { return c <= ' ' || c == 127; })) {
    throw UsageError("{} holds no token: a token is one word",
                     options.token_file.empty() ? "HF_TOKEN" : options.token_file);
  }
  if (!found.token.empty() && found.origin.starts_with("http:") && !is_loopback(found.origin)) {
    throw UsageError("HF_ENDPOINT {} is not https, so the token could be read on its way; unset HF_TOKEN or use https",
                     endpoint);
  }
  return found;
}

// What an alias stands for; any other text as it is.
std::string without_alias(const std::string& model) {
  for (const auto& [name, meaning] : model_aliases()) {
    if (name == model) return std::string(meaning);
  }
  return model;
}

RemoteModel find_remote(const Options& options, const std::string& endpoint, HttpTransfers& http) {
  const std::string model = without_alias(options.model);
  if (model.find("://") != std::string::npos) return model_at_url(model, options.sha256);
  if (!options.sha256.empty()) throw UsageError("--sha256 is for URLs; Hugging Face says the hashes itself");
  if (!model.starts_with("hf:")) {
    throw UsageError("'{}' is neither hf:ORG/NAME nor a URL nor an alias (see bantam pull --help)", model);
  }
  FetchOptions fetching;
  fetching.on_wait = throw_if_interrupted;
  RemoteModel remote = find_on_hub(http, parse_hub_model(model), endpoint, fetching);
  if (model != options.model) remote.name = options.model;
  return remote;
}

void announce(const RemoteModel& model, const std::string& name) {
  const auto bytes = model.bytes();
  notice(fmt::format("{}: {}, {}licence {}", name, model.source, bytes ? size_text(*bytes) + ", " : "",
                     model.licence.empty() ? "unknown" : model.licence));
}

Manifest pull_with_progress(StoreEdit& edit, HttpTransfers& http, const RemoteModel& model, const std::string& name,
                            DownloadOptions options) {
  const auto mb = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  Progress bar("pulling", mb(model.bytes().value_or(0)), "MB", mb(bytes_here(edit, model)));
  options.notice = [&](const std::string& text) { bar.say("bantam: " + text); };
  options.progress = [&](const DownloadProgress& p) {
    throw_if_interrupted();
    if (p.total) bar.set_total(mb(*p.total));
    if (p.done > 0 && !p.checking) bar.update(mb(p.done), size_text(p.done));
  };
  return pull(edit, http, model, name, options);
}

// Fetched under a name of its own, which goes when the smaller model is there.
Manifest pull_quantized(StoreEdit& edit, HttpTransfers& http, const RemoteModel& model, const std::string& name,
                        const Mix& mix, const DownloadOptions& options) {
  const std::string fetched_name = free_model_name(edit.store(), name + "-fetched", model.source);
  const Manifest fetched = pull_with_progress(edit, http, model, fetched_name, options);
  const Manifest small = quantize_stored(edit, fetched, name, mix);
  edit.remove(fetched);
  return small;
}

// What it is good for, or why it is not.
void tell(const Store& store, const Manifest& manifest) {
  print(fmt::format("{}: {}, {}\n", manifest.name, size_text(manifest.bytes()), manifest.source));
  flush_output();
  try {
    open_model_file(store.model_path(manifest).string());
    notice(fmt::format("try: bantam chat -m {}", manifest.name));
  } catch (const Error& error) {
    notice(fmt::format("it is stored, but cannot be run: {}", error.what()));
  }
}

void run(const Options& options) {
  if (options.connections < 1 || options.connections > 16) {
    throw UsageError("--connections is {}, wanted 1 to 16", options.connections);
  }
  if (!options.name.empty()) check_model_name(options.name);
  const Mix* mix = options.quantize.empty() ? nullptr : &mix_for_flag("--quantize", options.quantize);
  DownloadOptions downloading;
  downloading.connections = options.connections;
  downloading.bytes_per_s = rate_of(options.rate);
  const std::string hub = endpoint();
  HttpTransfers http(credentials(options, hub));
  const Store store = open_store();
  const InterruptGuard guard;
  const RemoteModel model = find_remote(options, hub, http);
  const std::string source = mix ? fmt::format("{} --quantize {}", model.source, mix->name) : model.source;
  const std::string usual = mix ? fmt::format("{}-{}", model.name, mix->name) : model.name;
  const std::string name = free_model_name(store, options.name.empty() ? usual : options.name, source);
  announce(model, name);
  StoreEdit edit(store);
  try {
    tell(store, mix ? pull_quantized(edit, http, model, name, *mix, downloading)
                    : pull_with_progress(edit, http, model, name, downloading));
  } catch (const Interrupted&) {
    notice(fmt::format("stopped; the same command goes on from {}", size_text(bytes_here(edit, model))));
    throw;
  }
}

}  // namespace

void add_pull(CLI::App& app) {
  add_command<Options>(app, "pull", "Get a model from Hugging Face or a URL",
                       "  bantam pull smollm2\n"
                       "  bantam pull hf:bartowski/gemma-2-2b-it-GGUF:Q6_K --name gemma\n"
                       "  bantam pull hf:google/gemma-2-2b-it@main --token-file token.txt --limit-rate 2M\n"
                       "  bantam pull hf:HuggingFaceTB/SmolLM2-135M-Instruct --quantize q8_0\n"
                       "  bantam pull https://example.org/model.gguf\n"
                       "  HF_ENDPOINT=https://mirror.example.org bantam pull phi3\n",
                       declare, run);
}

}  // namespace bantam
