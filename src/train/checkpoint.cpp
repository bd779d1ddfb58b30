#include "train/checkpoint.h"

#include <bit>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace bantam {
namespace {

// Layout: magic, header length (8 bytes each), header as JSON, zeros to a multiple of 64; the sections, each padded to
// 64; the checksum of all bytes before it. The header gives each section's offset from the header's end and its size.
constexpr uint64_t kMagic = 0x31544E494F504B43;  // "CKPOINT1"
constexpr size_t kAlignment = 64;

size_t aligned(size_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

// FNV-1a over 64-bit words instead of bytes. Every step is a bijection of the sum, so no single changed word goes
// unnoticed. Pieces must be whole words.
class Checksum {
 public:
  void add(std::span<const std::byte> bytes) {
    for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + i, 8);
      sum_ = std::rotl((sum_ ^ word) * 0x100000001B3ull, 29);
    }
  }
  uint64_t value() const { return sum_; }

 private:
  uint64_t sum_ = 0xCBF29CE484222325ull;
};

Json positions_to_json(const std::vector<DataStream::Position>& positions) {
  Json list = Json::array();
  for (const auto& p : positions) list.push_back({p.epoch, p.document, p.offset, p.tokens});
  return list;
}

std::vector<DataStream::Position> positions_from_json(const Json& list) {
  std::vector<DataStream::Position> positions;
  for (const Json& p : list) {
    positions.push_back(
        {p.at(0).get<uint64_t>(), p.at(1).get<uint64_t>(), p.at(2).get<uint64_t>(), p.at(3).get<uint64_t>()});
  }
  return positions;
}

Json to_json(const TrainState& s) {
  return {{"recipe", s.recipe},
          {"data", s.data},
          {"step", s.step},
          {"tokens", s.tokens},
          {"plan", {s.plan.warmup, s.plan.decay_begin, s.plan.total, s.plan.estimated}},
          {"elapsed_s", s.elapsed_s},
          {"step_s", s.step_s},
          {"positions", positions_to_json(s.positions)}};
}

TrainState from_json(const Json& json) {
  TrainState s;
  s.recipe = json.at("recipe").get<std::string>();
  s.data = json.at("data").get<std::string>();
  s.step = json.at("step").get<int64_t>();
  s.tokens = json.at("tokens").get<uint64_t>();
  const Json& plan = json.at("plan");
  s.plan = {plan.at(0).get<int64_t>(), plan.at(1).get<int64_t>(), plan.at(2).get<int64_t>(), plan.at(3).get<bool>()};
  s.elapsed_s = json.at("elapsed_s").get<double>();
  s.step_s = json.at("step_s").get<double>();
  s.positions = positions_from_json(json.at("positions"));
  return s;
}

// Keeps the present file under the previous one's name, without a moment in which neither exists.
void keep_previous(const std::filesystem::path& path) {
  std::error_code ignored;  // without hard links only the newest is kept
  std::filesystem::path link = path;
  link += ".link";
  std::filesystem::remove(link, ignored);
  std::filesystem::create_hard_link(path, link, ignored);
  if (!ignored) std::filesystem::rename(link, previous_checkpoint(path), ignored);
}

}  // namespace

std::filesystem::path previous_checkpoint(const std::filesystem::path& path) {
  std::filesystem::path previous = path;
  previous.replace_extension(".previous" + path.extension().string());
  return previous;
}

void save_checkpoint(const std::filesystem::path& path, const TrainState& state, std::span<const Section> sections) {
  Json header = to_json(state);
  Json& table = header["sections"] = Json::object();
  size_t offset = 0;
  for (const Section& s : sections) {
    table[s.name] = {offset, s.bytes.size()};
    offset += aligned(s.bytes.size());
  }
  std::string head = to_line(header);
  head.resize(aligned(16 + head.size()) - 16, ' ');

  AtomicFile file(path);
  Checksum sum;
  const auto put = [&](std::span<const std::byte> bytes) {
    file.write(bytes);
    sum.add(bytes);
  };
  const uint64_t lead[2] = {kMagic, head.size()};
  put(std::as_bytes(std::span(lead)));
  put(std::as_bytes(std::span(head)));
  for (const Section& s : sections) {
    const size_t whole = s.bytes.size() / kAlignment * kAlignment;
    put(s.bytes.first(whole));
    if (whole == s.bytes.size()) continue;
    std::byte last[kAlignment] = {};
    std::memcpy(last, s.bytes.data() + whole, s.bytes.size() - whole);
    put(last);
  }
  const uint64_t check = sum.value();
  file.write(std::as_bytes(std::span(&check, 1)));
  keep_previous(path);
  file.commit();
}

CheckpointFile::CheckpointFile(const std::filesystem::path& path) : path_(path), file_(path) {
  const auto all = file_.bytes();
  const auto damaged = [&](const char* what) {
    return FormatError("{}: {}; delete it to continue from {}, or the whole folder to begin anew", path.string(), what,
                       previous_checkpoint(path).filename().string());
  };
  uint64_t lead[2], check;
  if (all.size() < sizeof lead + sizeof check) throw damaged("the checkpoint is cut short");
  std::memcpy(lead, all.data(), sizeof lead);
  if (lead[0] != kMagic) throw damaged("is no checkpoint of this version");
  const auto body = all.first(all.size() - sizeof check);
  std::memcpy(&check, body.data() + body.size(), sizeof check);
  Checksum sum;
  sum.add(body);
  if (body.size() % 8 != 0 || sum.value() != check) throw damaged("the checkpoint is cut short or damaged");
  if (lead[1] > body.size() - sizeof lead) throw damaged("the checkpoint's header is damaged");
  try {
    const std::string_view head(reinterpret_cast<const char*>(body.data()) + sizeof lead, lead[1]);
    const Json header = parse_json(head, path.string());
    state_ = from_json(header);
    const auto data = body.subspan(sizeof lead + lead[1]);
    for (const auto& [name, place] : header.at("sections").items()) {
      const auto offset = place.at(0).get<uint64_t>(), size = place.at(1).get<uint64_t>();
      if (offset > data.size() || size > data.size() - offset) throw damaged("the checkpoint's table is damaged");
      sections_[name] = data.subspan(offset, size);
    }
  } catch (const Json::exception&) {
    throw damaged("the checkpoint's header is of another version");
  }
}

void CheckpointFile::read(std::span<const Section> sections) const {
  for (const Section& s : sections) {
    const auto found = sections_.find(s.name);
    if (found == sections_.end()) throw FormatError("{}: has no '{}'", path_.string(), s.name);
    if (found->second.size() != s.bytes.size()) {
      throw FormatError("{}: '{}' has {} bytes, expected {}", path_.string(), s.name, found->second.size(),
                        s.bytes.size());
    }
    if (!s.bytes.empty()) std::memcpy(s.bytes.data(), found->second.data(), s.bytes.size());
  }
}

std::optional<CheckpointFile> open_newest_checkpoint(const std::filesystem::path& path, std::string& why) {
  const std::filesystem::path previous = previous_checkpoint(path);
  const bool has_previous = std::filesystem::exists(previous);
  if (std::filesystem::exists(path)) {
    try {
      return CheckpointFile(path);
    } catch (const FormatError& error) {
      if (!has_previous) throw;
      why = error.what();
    }
  }
  if (!has_previous) return std::nullopt;
  return CheckpointFile(previous);
}

}  // namespace bantam
