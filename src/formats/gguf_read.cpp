#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/page_buffer.h"
#include "formats/gguf.h"
#include "formats/gguf_layout.h"

namespace bantam {
namespace {

using gguf::ValueType;

// What decoded metadata and tensor records may take, so that no file makes us allocate more than a fixed amount.
constexpr size_t kMemoryBudget = size_t{56} << 20;
constexpr size_t kKeyCost = 160, kTensorCost = 256;   // map node, key and variant; NamedTensor, its shape, its index
constexpr uint64_t kMostRecords = uint64_t{1} << 16;  // keys, and tensors: many times what published models have
constexpr uint64_t kMinAlignment = 8, kMaxAlignment = 65536;

// The least bytes a record can take: they bound its count by what is left of the file.
constexpr uint64_t kLeastKeyBytes = 8 + 1 + 4 + 1, kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

// So much of a file is read instead of looked at where it is mapped, page by page: most metadata is shorter.
constexpr size_t kHeadBytes = size_t{12} << 20;

class Reader {
 public:
  // `head`: a copy of the file's first bytes, which are looked at there.
  Reader(std::span<const std::byte> bytes, std::string source, std::span<const std::byte> head = {})
      : bytes_(bytes), head_(head), source_(std::move(source)) {}

  ModelFile read(TensorStorage storage);

 private:
  struct Placed {
    NamedTensor tensor;
    uint64_t offset, bytes;
  };

  uint64_t left() const { return bytes_.size() - at_; }
  // The next n bytes, which are there.
  const std::byte* next(uint64_t n) const {
    return n <= head_.size() && at_ <= head_.size() - n ? head_.data() + at_ : bytes_.data() + at_;
  }
  void read_version();
  uint64_t count(std::string_view what, uint64_t least_bytes);
  uint64_t record_count(std::string_view what, uint64_t least_bytes);
  Metadata read_metadata(uint64_t keys);
  MetaValue read_value(ValueType type);
  MetaValue read_array();
  Placed read_tensor(uint64_t number);
  std::vector<NamedTensor> place(std::vector<Placed> placed, uint64_t alignment);

  std::string_view text(std::string_view what);
  ValueType value_type();
  bool flag();
  void spend(uint64_t bytes);

  // The next value; `what` says what it is when the file ends inside it.
  template <class T>
  T take(std::string_view what) {
    if (left() < sizeof(T)) throw ends_early(what, sizeof(T));
    T value;
    std::memcpy(&value, next(sizeof value), sizeof value);
    at_ += sizeof value;
    return value;
  }

  // `n` elements of type Stored as a vector of Kept.
  template <class Stored, class Kept>
  std::vector<Kept> take_all(uint64_t n) {
    spend(n * sizeof(Kept));
    if (n * sizeof(Stored) > left()) throw ends_early("an array", n * sizeof(Stored));
    std::vector<Kept> list(n);
    const std::byte* from = next(n * sizeof(Stored));
    for (Kept& value : list) {
      Stored stored;
      std::memcpy(&stored, from, sizeof stored);
      value = static_cast<Kept>(stored);
      from += sizeof stored;
    }
    at_ += n * sizeof(Stored);
    return list;
  }

  FormatError ends_early(std::string_view what, uint64_t wanted) const {
    return FormatError("{}: the file ends inside {}{}: {} bytes wanted at byte {}, {} left", source_, what, where_,
                       wanted, at_, left());
  }

  std::span<const std::byte> bytes_, head_;
  std::string source_;
  std::string where_;  // " of 'key'", for errors
  size_t at_ = 0;
  size_t spent_ = 0;
};

void Reader::spend(uint64_t bytes) {
  spent_ += bytes;
  if (spent_ > kMemoryBudget) {
    throw FormatError("{}: its metadata takes more than the {} MiB of memory that a model's may{}", source_,
                      kMemoryBudget >> 20, where_);
  }
}

void Reader::read_version() {
  if (bytes_.size() < 4 || std::memcmp(bytes_.data(), gguf::kMagic.data(), 4) != 0) {
    throw FormatError("{}: not a GGUF file: its first four bytes are not 'GGUF'", source_);
  }
  at_ = 4;
  const auto version = take<uint32_t>("the version");
  if (version == 2 || version == 3) return;
  if (version != 0 && (version & 0xFFFF) == 0) {
    throw UnsupportedError("{}: a big-endian GGUF file (version bytes {:#010x}), expected a little-endian one", source_,
                           version);
  }
  throw UnsupportedError("{}: GGUF version {}, expected 2 or 3; convert the model again with a current tool", source_,
                         version);
}

uint64_t Reader::count(std::string_view what, uint64_t least_bytes) {
  const auto n = take<uint64_t>(what);
  if (n > left() / least_bytes) {
    throw FormatError("{}: {}{} is {}, but the {} bytes that follow hold at most {}", source_, what, where_, n, left(),
                      left() / least_bytes);
  }
  return n;
}

uint64_t Reader::record_count(std::string_view what, uint64_t least_bytes) {
  const uint64_t n = count(what, least_bytes);
  if (n > kMostRecords) throw FormatError("{}: {} is {}, expected at most {}", source_, what, n, kMostRecords);
  return n;
}

std::string_view Reader::text(std::string_view what) {
  const auto n = take<uint64_t>(what);
  if (n > left()) throw ends_early(what, n);
  const std::string_view view(reinterpret_cast<const char*>(next(n)), n);
  at_ += n;
  return view;
}

ValueType Reader::value_type() {
  const auto type = take<uint32_t>("the value type");
  if (type >= gguf::kValueTypes) {
    throw FormatError("{}: value type {}{}, expected 0 to {}", source_, type, where_, gguf::kValueTypes - 1);
  }
  return static_cast<ValueType>(type);
}

bool Reader::flag() {
  const auto byte = take<uint8_t>("the value");
  if (byte > 1) throw FormatError("{}: a bool{} is stored as {}, expected 0 or 1", source_, where_, byte);
  return byte == 1;
}

MetaValue Reader::read_value(ValueType type) {
  constexpr std::string_view what = "the value";
  const auto integer = [](auto value) -> MetaValue {
    if (std::in_range<int64_t>(value)) return static_cast<int64_t>(value);
    return static_cast<uint64_t>(value);
  };
  switch (type) {
    case ValueType::u8:
      return integer(take<uint8_t>(what));
    case ValueType::i8:
      return integer(take<int8_t>(what));
    case ValueType::u16:
      return integer(take<uint16_t>(what));
    case ValueType::i16:
      return integer(take<int16_t>(what));
    case ValueType::u32:
      return integer(take<uint32_t>(what));
    case ValueType::i32:
      return integer(take<int32_t>(what));
    case ValueType::u64:
      return integer(take<uint64_t>(what));
    case ValueType::i64:
      return integer(take<int64_t>(what));
    case ValueType::f32:
      return static_cast<double>(take<float>(what));
    case ValueType::f64:
      return take<double>(what);
    case ValueType::boolean:
      return flag();
    case ValueType::array:
      return read_array();
    case ValueType::string:
      break;
  }
  const std::string_view value = text(what);
  spend(value.size());
  return std::string(value);
}

MetaValue Reader::read_array() {
  static constexpr uint64_t kElementBytes[gguf::kValueTypes] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  const ValueType type = value_type();
  const uint64_t n = count("the array length", kElementBytes[static_cast<size_t>(type)]);
  switch (type) {
    case ValueType::u8:
      return take_all<uint8_t, int64_t>(n);
    case ValueType::i8:
      return take_all<int8_t, int64_t>(n);
    case ValueType::u16:
      return take_all<uint16_t, int64_t>(n);
    case ValueType::i16:
      return take_all<int16_t, int64_t>(n);
    case ValueType::u32:
      return take_all<uint32_t, int64_t>(n);
    case ValueType::i32:
      return take_all<int32_t, int64_t>(n);
    case ValueType::i64:
      return take_all<int64_t, int64_t>(n);
    case ValueType::f32:
      return take_all<float, double>(n);
    case ValueType::f64:
      return take_all<double, double>(n);
    case ValueType::u64: {
      auto values = take_all<uint64_t, uint64_t>(n);
      const bool fits = std::all_of(values.begin(), values.end(), [](uint64_t v) { return v <= INT64_MAX; });
      if (!fits) return values;
      spend(n * sizeof(int64_t));
      return std::vector<int64_t>(values.begin(), values.end());
    }
    case ValueType::boolean: {
      spend(n / 8);
      std::vector<bool> flags(n);
      for (size_t i = 0; i < n; ++i) flags[i] = flag();
      return flags;
    }
    case ValueType::array:
      throw UnsupportedError("{}: an array of arrays{}, expected an array of plain values", source_, where_);
    case ValueType::string:
      break;
  }
  spend(n * sizeof(std::string));
  std::vector<std::string> strings;
  reserve_large(strings, n);
  for (uint64_t i = 0; i < n; ++i) {
    const std::string_view element = text("a string in an array");
    if (element.size() >= sizeof(std::string) / 2) spend(element.size() + 16);  // plus the allocator's header
    strings.emplace_back(element);
  }
  return strings;
}

Metadata Reader::read_metadata(uint64_t keys) {
  Metadata metadata(source_);
  for (uint64_t i = 0; i < keys; ++i) {
    where_.clear();
    const std::string_view key = text("a metadata key");
    check_name(source_, "metadata key", key, gguf::kMaxKeyBytes);
    where_ = fmt::format(" of '{}'", key);
    spend(kKeyCost + key.size());
    if (metadata.has(key)) throw FormatError("{}: the key '{}' occurs twice", source_, key);
    metadata.set(std::string(key), read_value(value_type()));
  }
  where_.clear();
  return metadata;
}

Reader::Placed Reader::read_tensor(uint64_t number) {
  where_ = fmt::format(" of tensor {}", number);
  const std::string_view name = text("the name");
  check_name(source_, fmt::format("name{}", where_), name, gguf::kMaxTensorNameBytes);
  where_ = fmt::format(" of tensor '{}'", name);
  spend(kTensorCost + name.size());

  const auto dims = take<uint32_t>("the number of dimensions");
  if (dims < 1 || dims > gguf::kMaxDims) {
    throw FormatError("{}: tensor '{}' has {} dimensions, expected 1 to {}", source_, name, dims, gguf::kMaxDims);
  }
  std::vector<int64_t> shape(dims);
  for (uint32_t i = dims; i-- > 0;) {  // the file names the innermost first
    const auto size = take<uint64_t>("a dimension");
    if (size < 1 || size > INT32_MAX) {
      throw FormatError("{}: dimension {} of tensor '{}' is {}, expected 1 to {}", source_, i, name, size, INT32_MAX);
    }
    shape[i] = static_cast<int64_t>(size);
  }
  const auto id = take<uint32_t>("the weight format");
  const auto dtype = dtype_from_id(id);
  if (!dtype) {
    throw UnsupportedError("{}: tensor '{}' is in weight format {}, which this build does not know; it knows {}",
                           source_, name, id, known_dtypes());
  }
  const auto offset = take<uint64_t>("the offset");
  const uint64_t bytes = tensor_bytes(source_, name, *dtype, shape);
  return {{std::string(name), *dtype, std::move(shape), {}}, offset, bytes};
}

std::vector<NamedTensor> Reader::place(std::vector<Placed> placed, uint64_t alignment) {
  const uint64_t start = std::min<uint64_t>((at_ + alignment - 1) / alignment * alignment, bytes_.size());
  const std::span<const std::byte> data = bytes_.subspan(start);
  std::vector<NamedTensor> tensors;
  tensors.reserve(placed.size());
  for (Placed& p : placed) {
    if (p.offset % alignment != 0) {
      throw FormatError("{}: tensor '{}' is at offset {}, expected a multiple of the alignment {}", source_,
                        p.tensor.name, p.offset, alignment);
    }
    const auto end = checked_add(p.offset, p.bytes);
    if (!end || *end > data.size()) {
      throw FormatError(
          "{}: tensor '{}' takes {} bytes at offset {}, but the tensor data ends at {}; is the file complete?", source_,
          p.tensor.name, p.bytes, p.offset, data.size());
    }
    p.tensor.bytes = data.subspan(p.offset, p.bytes);
    tensors.push_back(std::move(p.tensor));
  }

  std::vector<uint32_t> by_offset(tensors.size());
  std::iota(by_offset.begin(), by_offset.end(), 0u);
  const auto begin_of = [&](uint32_t i) { return tensors[i].bytes.data(); };
  std::sort(by_offset.begin(), by_offset.end(), [&](uint32_t a, uint32_t b) { return begin_of(a) < begin_of(b); });
  const auto overlap = std::adjacent_find(by_offset.begin(), by_offset.end(), [&](uint32_t a, uint32_t b) {
    return begin_of(a) + tensors[a].bytes.size() > begin_of(b);
  });
  if (overlap != by_offset.end()) {
    throw FormatError("{}: the tensors '{}' and '{}' overlap", source_, tensors[overlap[0]].name,
                      tensors[overlap[1]].name);
  }
  return tensors;
}

ModelFile Reader::read(TensorStorage storage) {
  read_version();
  const uint64_t tensor_count = record_count("the number of tensors", kLeastTensorBytes);
  const uint64_t key_count = record_count("the number of metadata keys", kLeastKeyBytes);
  Metadata metadata = read_metadata(key_count);

  const auto alignment =
      static_cast<uint64_t>(metadata.integer_or(gguf::kAlignmentKey, gguf::kAlignment, kMinAlignment, kMaxAlignment));
  if (!std::has_single_bit(alignment)) {
    throw FormatError("{}: '{}' is {}, expected a power of two", source_, gguf::kAlignmentKey, alignment);
  }
  std::vector<Placed> placed;
  for (uint64_t i = 0; i < tensor_count; ++i) placed.push_back(read_tensor(i));
  return ModelFile(std::move(metadata), place(std::move(placed), alignment), std::move(storage));
}

}  // namespace

ModelFile read_gguf(const std::filesystem::path& path) {
  TensorStorage storage;
  storage.files.emplace_back(path);
  const MappedFile& file = storage.files.back();
  PageBuffer head(std::min(file.bytes().size(), kHeadBytes));
  const size_t read = file.read(0, {head.data(), head.size()});
  return Reader(file.bytes(), path.string(), {head.data(), read}).read(std::move(storage));
}

ModelFile read_gguf(std::span<const std::byte> bytes, std::string source) {
  return Reader(bytes, std::move(source)).read({});
}

}  // namespace bantam
