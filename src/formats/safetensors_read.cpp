#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "formats/safetensors.h"
#include "formats/safetensors_layout.h"

namespace bantam {
namespace {

constexpr size_t kMemoryBudget = size_t{56} << 20;
constexpr size_t kMostTensors = 20'000;  // of one file; the largest published have some ten thousand
constexpr size_t kRecordCost = 256;      // NamedTensor, its shape, its index, its offsets

// At most safetensors::kMaxDims numbers, where they are: a header has two such lists for each tensor.
struct FewNumbers {
  std::array<uint64_t, safetensors::kMaxDims> values{};
  size_t count = 0;

  size_t size() const { return count; }
  uint64_t operator[](size_t i) const { return values[i]; }
  const uint64_t* begin() const { return values.data(); }
  const uint64_t* end() const { return values.data() + count; }
  void push_back(uint64_t value) { values[count++] = value; }
};

struct Record {
  std::string name;
  std::optional<DType> dtype;
  FewNumbers shape, offsets;
  bool has_shape = false, has_offsets = false;
};

// Follows the parser's events and accepts only what a header may hold, so that the text never becomes a tree: memory
// stays in proportion to the tensors, and a wrong value is refused where it stands. The parser calls these by name.
class HeaderEvents {
 public:
  explicit HeaderEvents(const std::string& source) : source_(source), metadata_(source) {}

  Metadata take_metadata() { return std::move(metadata_); }
  std::deque<Record> take_records() { return std::move(records_); }

  bool start_object(size_t) {
    if (place_ == Place::outside) {
      place_ = Place::root;
    } else if (place_ == Place::root_value) {
      place_ = in_metadata_ ? Place::metadata : Place::record;
    } else {
      throw unexpected("an object");
    }
    return true;
  }

  bool key(std::string& name) {
    if (place_ == Place::root) {
      in_metadata_ = name == safetensors::kMetadataName;
      if (!in_metadata_) {
        check_name(source_, "tensor name", name, safetensors::kMaxTensorNameBytes);
        if (records_.size() == kMostTensors) {
          throw FormatError("{}: the header has more than {} tensors", source_, kMostTensors);
        }
        spend(kRecordCost + name.size());
        records_.emplace_back().name = name;
      }
      place_ = Place::root_value;
    } else if (place_ == Place::metadata) {
      check_name(source_, "metadata key", name, safetensors::kMaxKeyBytes);
      key_ = std::string(kSafetensorsPrefix) + name;
      if (metadata_.has(key_)) throw FormatError("{}: the metadata key '{}' occurs twice", source_, name);
      place_ = Place::metadata_value;
    } else {
      open_field(name);
    }
    return true;
  }

  bool end_object() {
    if (place_ == Place::record) {
      const Record& r = records_.back();
      const char* missing = !r.dtype ? "dtype" : !r.has_shape ? "shape" : !r.has_offsets ? "data_offsets" : nullptr;
      if (missing) throw FormatError("{}: tensor '{}' has no '{}'", source_, r.name, missing);
    }
    place_ = place_ == Place::root ? Place::outside : Place::root;
    return true;
  }

  bool start_array(size_t) {
    if (place_ == Place::shape && !in_array_) {
      records_.back().has_shape = true;
    } else if (place_ == Place::offsets && !in_array_) {
      records_.back().has_offsets = true;
    } else {
      throw unexpected("an array");
    }
    in_array_ = true;
    return true;
  }

  bool end_array() {
    in_array_ = false;
    const Record& r = records_.back();
    if (place_ == Place::offsets && r.offsets.size() != 2) {
      throw FormatError("{}: tensor '{}' has {} data_offsets, expected 2", source_, r.name, r.offsets.size());
    }
    place_ = Place::record;
    return true;
  }

  bool number_unsigned(uint64_t value) {
    if (!in_array_) throw unexpected("a number");
    auto& list = place_ == Place::shape ? records_.back().shape : records_.back().offsets;
    if (list.size() >= safetensors::kMaxDims) {
      throw FormatError("{}: tensor '{}' has more than {} dimensions or offsets", source_, records_.back().name,
                        safetensors::kMaxDims);
    }
    list.push_back(value);
    return true;
  }

  bool string(std::string& text) {
    if (place_ == Place::metadata_value) {
      spend(kRecordCost + key_.size() + text.size());
      metadata_.set(key_, std::move(text));
      place_ = Place::metadata;
    } else if (place_ == Place::dtype) {
      Record& r = records_.back();
      r.dtype = safetensors::dtype_of(text);
      if (!r.dtype) {
        throw UnsupportedError("{}: tensor '{}' has dtype {}, expected one of {}", source_, r.name,
                               to_line(Json(text.substr(0, 20))), safetensors::kKnownNames);
      }
      place_ = Place::record;
    } else {
      throw unexpected("a string");
    }
    return true;
  }

  bool null() { throw unexpected("null"); }
  bool boolean(bool) { throw unexpected("a bool"); }
  bool number_integer(int64_t) { throw unexpected("a negative number"); }
  bool number_float(double, const std::string&) { throw unexpected("a fraction or a number past 2^64"); }
  bool binary(Json::binary_t&) { throw unexpected("binary data"); }
  bool parse_error(size_t byte, const std::string&, const nlohmann::detail::exception&) {
    throw FormatError("{}: the header is not valid JSON at its byte {}", source_, byte);
  }

 private:
  enum class Place { outside, root, root_value, metadata, metadata_value, record, dtype, shape, offsets };

  void open_field(const std::string& name) {
    const Record& r = records_.back();
    bool twice = false;
    if (name == "dtype") {
      twice = r.dtype.has_value();
      place_ = Place::dtype;
    } else if (name == "shape") {
      twice = r.has_shape;
      place_ = Place::shape;
    } else if (name == "data_offsets") {
      twice = r.has_offsets;
      place_ = Place::offsets;
    } else {
      throw FormatError("{}: tensor '{}' has the field {}, expected dtype, shape and data_offsets", source_, r.name,
                        to_line(Json(name.substr(0, 20))));
    }
    if (twice) throw FormatError("{}: tensor '{}' has two fields '{}'", source_, r.name, name);
  }

  FormatError unexpected(std::string_view found) const {
    static constexpr std::string_view kWanted[] = {"one object of tensors",
                                                   "a tensor's name",
                                                   "an object",
                                                   "a key",
                                                   "a string",
                                                   "a field",
                                                   "a dtype in quotes",
                                                   "a list of sizes of 0 or more",
                                                   "two offsets of 0 or more"};
    const std::string where = in_metadata_       ? " in its metadata"
                              : records_.empty() ? ""
                                                 : fmt::format(" at tensor '{}'", records_.back().name);
    return FormatError("{}: the header has {}{}, expected {}", source_, found, where,
                       kWanted[static_cast<size_t>(place_)]);
  }

  void spend(size_t bytes) {
    spent_ += bytes;
    if (spent_ > kMemoryBudget) {
      throw FormatError("{}: its header takes more than the {} MiB of memory that a model's may", source_,
                        kMemoryBudget >> 20);
    }
  }

  const std::string& source_;
  Place place_ = Place::outside;
  bool in_metadata_ = false, in_array_ = false;
  std::string key_;
  size_t spent_ = 0;
  Metadata metadata_;
  std::deque<Record> records_;
};

// The record's tensor in `data`, whose first `used` bytes belong to tensors before it.
NamedTensor place(const std::string& source, Record& record, std::span<const std::byte> data, uint64_t used,
                  TensorStorage& storage) {
  const uint64_t begin = record.offsets[0], end = record.offsets[1];
  if (end < begin || end > data.size()) {
    throw FormatError("{}: tensor '{}' lies at bytes {} to {} of the {} after the header; is the file complete?",
                      source, record.name, begin, end, data.size());
  }
  if (begin != used) {
    throw FormatError("{}: tensor '{}' begins at byte {}, expected {}: tensors must neither overlap nor leave holes",
                      source, record.name, begin, used);
  }
  std::vector<int64_t> shape;
  for (const uint64_t size : record.shape) {
    shape.push_back(static_cast<int64_t>(std::min<uint64_t>(size, INT64_MAX)));
  }
  const uint64_t wanted = tensor_bytes(source, record.name, *record.dtype, shape);
  if (end - begin != wanted) {
    throw FormatError("{}: tensor '{}' takes {} bytes, its shape and dtype ask for {}", source, record.name,
                      end - begin, wanted);
  }
  std::span<const std::byte> bytes = data.subspan(begin, end - begin);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % traits(*record.dtype).block_bytes != 0) {
    storage.copies.emplace_back(bytes.begin(), bytes.end());
    bytes = storage.copies.back();
  }
  return {std::move(record.name), *record.dtype, std::move(shape), bytes};
}

ModelFile read(std::span<const std::byte> bytes, const std::string& source, TensorStorage storage) {
  uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes) {
    throw FormatError("{}: {} bytes long, too short for a safetensors file", source, bytes.size());
  }
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  const size_t available = bytes.size() - sizeof header_bytes;
  if (header_bytes > available || header_bytes > safetensors::kMaxHeaderBytes) {
    throw FormatError("{}: a header of {} bytes is announced, expected at most {}; is it a safetensors file?", source,
                      header_bytes, std::min(available, safetensors::kMaxHeaderBytes));
  }
  const char* header = reinterpret_cast<const char*>(bytes.data()) + sizeof header_bytes;
  if (header_bytes == 0 || *header != '{') {
    throw FormatError("{}: its header does not begin with '{{'; is it a safetensors file?", source);
  }
  HeaderEvents events(source);
  Json::sax_parse(header, header + header_bytes, &events);

  std::deque<Record> records = events.take_records();
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.offsets[0] < b.offsets[0]; });
  const std::span<const std::byte> data = bytes.subspan(sizeof header_bytes + header_bytes);
  std::vector<NamedTensor> tensors;
  tensors.reserve(records.size());
  uint64_t used = 0;
  for (Record& record : records) {
    tensors.push_back(place(source, record, data, used, storage));
    used = record.offsets[1];
  }
  if (used != data.size()) {
    throw FormatError("{}: {} bytes follow the header, but its tensors take {}", source, data.size(), used);
  }
  return ModelFile(events.take_metadata(), std::move(tensors), std::move(storage));
}

}  // namespace

ModelFile read_safetensors(const std::filesystem::path& path) {
  TensorStorage storage;
  storage.files.emplace_back(path);
  const auto bytes = storage.files.back().bytes();
  return read(bytes, path.string(), std::move(storage));
}

ModelFile read_safetensors(std::span<const std::byte> bytes, std::string source) { return read(bytes, source, {}); }

}  // namespace bantam
