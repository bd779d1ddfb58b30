#include "door.h"

#include <algorithm>
#include <ctime>
#include <exception>
#include <span>
#include <vector>

#include "base/error.h"
#include "engine/chat_format.h"
#include "engine/session.h"
#include "formats/safetensors.h"
#include "heap.h"
#include "model/model.h"
#include "text/stream_decoder.h"

namespace bantam::torture {
namespace {

constexpr int kContext = 64;

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

void read_tensors(const std::filesystem::path& path) {
  const ModelFile file = read_safetensors(path);
  [[maybe_unused]] static volatile std::byte keep;
  for (const NamedTensor& tensor : file.tensors()) {
    for (const std::byte byte : tensor.bytes) keep = byte;
  }
}

void run_model(const std::filesystem::path& path) {
  const std::shared_ptr<const Model> model = Model::load(path);
  const Tokenizer tokenizer = Tokenizer::from_metadata(model->metadata());
  const ChatFormat format(tokenizer, model->metadata());
  const ChatMessage messages[] = {{"system", "Be brief."}, {"user", "The cat\tsat, 1984! \uD559\uAD50"}};
  std::vector<int32_t> ids = format.prompt(messages);
  if (ids.empty()) ids.push_back(0);
  StreamDecoder decoder(tokenizer);
  for (const int32_t id : ids) decoder.push(id);
  decoder.finish();
  ids.resize(std::min<size_t>(ids.size(), 8));
  Session session(model, 1, std::min(kContext, model->config().context));
  session.run_to(std::span(ids).first(std::min(ids.size(), static_cast<size_t>(session.context()))));
}

}  // namespace

Outcome open_and_use(const std::filesystem::path& path) {
  Outcome outcome;
  const Heap heap;
  const double begin = cpu_ms();
  try {
    if (path.extension() == ".safetensors") {
      read_tensors(path);
    } else {
      run_model(path);
    }
  } catch (const UsageError& error) {  // the template does not take the conversation, or the tokenizer not the text
    outcome.refused = outcome.names_file = true;
    outcome.error = error.what();
  } catch (const Error& error) {
    outcome.refused = true;
    outcome.error = error.what();
    outcome.names_file = outcome.error.find(path.string()) != std::string::npos;
  } catch (const std::exception& error) {
    outcome.untyped = true;
    outcome.error = error.what();
  }
  outcome.cpu_ms = cpu_ms() - begin;
  outcome.peak_bytes = heap.peak();
  return outcome;
}

}  // namespace bantam::torture
