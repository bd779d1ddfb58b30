// bantam serve: the page for the browser, and the models of this machine behind OpenAI's, Azure's, Anthropic's and
// Ollama's interfaces.
#include <malloc.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/interrupt.h"
#include "cli/key_option.h"
#include "cli/model_option.h"
#include "cli/run_check.h"
#include "cli/served_documents.h"
#include "cli/served_models.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "engine/memory.h"
#include "server/batches.h"
#include "server/engine_backend.h"
#include "server/http_server.h"
#include "server/page/bundle.h"
#include "server/page/conversation_store.h"
#include "server/page/load_meter.h"
#include "server/service.h"

// web/dist, or nothing where it was not built: see cmake/embed.cmake.
extern "C" const std::byte bantam_embedded_page[], bantam_embedded_page_end[];

namespace bantam {
namespace {

constexpr int kHousekeepingMs = 10'000;

struct Options {
  std::vector<std::string> models, origins, hosts, docs, indexes;
  std::string address = "127.0.0.1", keys, prices, certificate, private_key, first_key;
  std::string kv = kDefaultKv, draft;
  int port = 8080, context = 0, threads = available_cpus(), parallel = EngineOptions{}.most_running,
      queue = EngineOptions{}.most_waiting;
  int cache_tokens = 0, drain_s = 30;
  double keep_alive_min = 5, memory_gib = 0;
  bool quiet = false, fixed_models = false;
};

void declare(CLI::App& command, Options& options) {
  command.add_option("-m,--model", options.models,
                     "GGUF files, Hugging Face folders or names (default: all that bantam list shows, and the model "
                     "inside this program)");
  command
      .add_option("--host", options.address, "IP address to listen at; other than loopback only once there are keys")
      ->capture_default_str();
  command.add_option("--port", options.port, "port to listen at; 0: one that is free")
      ->check(CLI::Range(0, 65'535))
      ->capture_default_str();
  add_threads_option(command, options.threads);
  command.add_option("-c,--context", options.context,
                     "most tokens of prompt and answer together (default: the model's, at most 4096)");
  add_kv_option(command, options.kv);
  command.add_option("--draft", options.draft,
                     "a small model that guesses ahead for those of its vocabulary while one request runs; answers "
                     "stay the same");
  command.add_option("--parallel", options.parallel, "requests computed at a time")->capture_default_str();
  command.add_option("--queue", options.queue, "requests that may wait; more are refused at once")
      ->capture_default_str();
  command.add_option("--cache-tokens", options.cache_tokens,
                     "room for keys and values of all requests together, in tokens (default: one whole context)");
  command
      .add_option("--keep-alive", options.keep_alive_min,
                  "minutes that a model stays in memory after its last use; -1: for ever")
      ->capture_default_str();
  command.add_option("--memory", options.memory_gib, "GiB that all models together may take (default: what is free)")
      ->check(CLI::NonNegativeNumber);
  add_keys_option(command, options.keys);
  command.add_option("--first-key", options.first_key, "make a key of this name if there is none yet, and show it");
  command.add_option("--prices", options.prices, "price list (JSON): what tokens cost");
  command.add_option("--docs", options.docs,
                     "FOLDER: documents that the page answers from; NAME=FOLDER: those that \"documents\": {\"index\": "
                     "NAME} answers from (default: the manual of this program)");
  command.add_option("--index", options.indexes,
                     "NAME=FILE: an index that \"documents\": {\"index\": NAME} answers from");
  command.add_option("--origin", options.origins, "origins whose pages may ask, such as https://example.com; '*': all");
  command.add_option("--allow-host", options.hosts,
                     "names that the header Host may have (default: any, once there are keys)");
  command.add_option("--tls-cert", options.certificate, "certificate chain (PEM): HTTPS instead of HTTP");
  command.add_option("--tls-key", options.private_key, "its private key (PEM)");
  command.add_option("--drain", options.drain_s, "seconds that running answers get after Ctrl-C or SIGTERM")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  command.add_flag("--fixed-models", options.fixed_models, "refuse to pull, copy and delete models");
  command.add_flag("--quiet", options.quiet, "no line on standard error for each request");
}

bool is_loopback_address(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

void check(const Options& options) {
  if (options.certificate.empty() != options.private_key.empty())
    throw UsageError("--tls-cert and --tls-key go together");
}

// Without keys everybody who reaches the address may do everything.
void check_address(const Options& options, Tenants& tenants) {
  if (is_loopback_address(options.address) || tenants.needs_key()) return;
  throw UsageError(
      "--host {}: without keys the server listens on loopback only; bantam keys create NAME makes a key, or "
      "--first-key NAME",
      options.address);
}

void make_first_key(const Options& options) {
  if (options.first_key.empty()) return;
  TenantStore store(keys_path(options.keys));
  if (store.has_keys()) return notice("there are keys already, so --first-key makes none");
  const NewKey key = store.create(options.first_key, {}, {}, unix_ms());
  print(fmt::format("key '{}': {}\n(shown once; bantam keys makes more)\n", key.info.name, key.secret));
}

// Nothing in a build without a reader.
std::unique_ptr<ServedDocuments> open_documents(const Options& options) {
  try {
    return std::make_unique<ServedDocuments>(ServedDocumentsOptions{options.docs, options.indexes, options.threads});
  } catch (const UsageError&) {
    if (!options.docs.empty() || !options.indexes.empty()) throw;
    return nullptr;
  }
}

// Nothing where there is no folder for it.
std::unique_ptr<ConversationStore> open_conversations() {
  const auto folder = find_data_folder();
  return folder ? std::make_unique<ConversationStore>(*folder / "conversations.db") : nullptr;
}

EngineOptions engine_options(const Options& options) {
  EngineOptions out;
  out.threads = options.threads;
  out.context = options.context;
  out.cache_format = cache_format(options.kv);
  out.cache_tokens = options.cache_tokens;
  out.most_running = options.parallel;
  out.most_waiting = options.queue;
  out.draft = open_draft(options.draft, options.context);
  return out;
}

ModelPoolOptions pool_options(const Options& options) {
  const auto asked = static_cast<uint64_t>(options.memory_gib * (1 << 30));
  const double keep_ms = options.keep_alive_min * 60'000;
  return {asked > 0 ? asked : available_memory(),
          std::chrono::milliseconds(options.keep_alive_min < 0 ? -1 : std::llround(keep_ms))};
}

HttpServerOptions http_options(const Options& options) {
  HttpServerOptions out;
  out.address = options.address;
  out.port = static_cast<uint16_t>(options.port);
  out.certificate = options.certificate;
  out.key = options.private_key;
  out.limits.file_bytes = kMostUploadBytes;
  return out;
}

void say_hello(const Options& options, uint16_t port, const std::string& model, bool needs_key, bool has_page) {
  const std::string host =
      options.address.find(':') == std::string::npos ? options.address : "[" + options.address + "]";
  const std::string url = fmt::format("{}://{}:{}", options.certificate.empty() ? "http" : "https", host, port);
  if (has_page) print(fmt::format("open this in a browser: {}/\n", url));
  print(
      fmt::format("listening at {}\ntry:\n  curl {}/v1/chat/completions -H 'Content-Type: application/json'{} \\\n    "
                  "-d '{{\"model\":\"{}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n",
                  url, url, needs_key ? " -H 'Authorization: Bearer KEY'" : "", model));
  flush_output();
}

// Until Ctrl-C or SIGTERM.
void wait_for_signal(EngineBackend& backend) {
  pollfd wake{interrupt_descriptor(), POLLIN, 0};
  while (!interrupted()) {
    ::poll(&wake, 1, kHousekeepingMs);
    backend.unload_expired();
  }
}

void wait_until_idle(EngineBackend& backend, std::chrono::steady_clock::time_point until) {
  constexpr std::chrono::milliseconds kLook{50};
  const auto busy = [&] {
    const BackendStats stats = backend.stats();
    return stats.running + stats.waiting > 0;
  };
  while (busy() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kLook);
}

// glibc gives threads heaps of their own, up to eight for each CPU, and what was free in one stays there: over
// thousands of requests resident memory grew while no more was in use. Few threads of a server allocate at the same
// time.
constexpr int kHeaps = 2;

void run(const Options& options) {
  mallopt(M_ARENA_MAX, kHeaps);
  check(options);
  make_first_key(options);
  Tenants tenants(keys_path(options.keys), options.prices.empty() ? PriceList{} : read_prices(options.prices), {},
                  rapl_counter());
  check_address(options, tenants);
  ServedModels models(options.models);
  EngineBackend backend([&models] { return models.sources(); }, engine_options(options), pool_options(options),
                        find_panel_cache());
  const std::unique_ptr<ServedDocuments> documents = open_documents(options);
  const std::unique_ptr<ConversationStore> conversations = open_conversations();
  LoadMeter load;
  StoreLibrary library;
  const PageBundle page{{bantam_embedded_page, bantam_embedded_page_end}};
  Metrics metrics;
  std::atomic<bool> draining{false};
  HttpServer* listening = nullptr;
  ServerParts parts{.backend = backend,
                    .tenants = tenants,
                    .metrics = metrics,
                    .documents = documents ? documents->answers() : nullptr,
                    .library = options.fixed_models ? nullptr : &library,
                    .version = kVersion,
                    .page = {.bundle = &page,
                             .conversations = conversations.get(),
                             .documents = documents ? documents->library() : nullptr,
                             .load = &load},
                    .gauges = [&listening]() -> Metrics::Gauges {
                      if (!listening) return {};
                      const HttpCounts c = listening->counts();
                      return {c.open, c.connections, c.gone, c.timed_out};
                    },
                    .draining = [&draining] { return draining.load(); }};
  Batches batches(keys_path(options.keys).parent_path() / "batches.db");
  parts.batches = &batches;
  std::mutex log_mutex;
  ServiceOptions service_options{.origins = options.origins, .hosts = options.hosts, .log = {}};
  if (!options.quiet) {
    service_options.log = [&log_mutex](const std::string& line) {
      const std::lock_guard lock(log_mutex);
      fmt::print(stderr, "{}\n", line);
    };
  }
  Service service(parts, service_options);
  const InterruptGuard guard;
  HttpServer server(http_options(options), service);
  listening = &server;
  batches.start(parts);
  say_hello(options, server.port(), models.first_name(), tenants.needs_key(), !page.empty());
  wait_for_signal(backend);
  notice(fmt::format("no new requests; running answers have {} s", options.drain_s));
  draining = true;
  batches.stop();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(options.drain_s);
  wait_until_idle(backend, until);  // /ready says 503 meanwhile
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  if (!server.drain(std::max(0, static_cast<int>(left.count())))) notice("some answers were cut off");
}

}  // namespace

void add_serve(CLI::App& app) {
  add_command<Options>(
      app, "serve",
      "Serve a page for the browser, and models over HTTP: OpenAI's, Azure's, Anthropic's and Ollama's interfaces",
      "  bantam serve\n"
      "  bantam serve -m phi-3.gguf --port 11434\n"
      "  bantam serve --docs ~/Documents/handbook\n"
      "  bantam serve -m llama-8b.gguf --draft llama-1b.gguf\n"
      "  bantam serve --host 0.0.0.0 --first-key admin --tls-cert chain.pem --tls-key key.pem\n",
      declare, run);
}

}  // namespace bantam
