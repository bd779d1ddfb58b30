#include "train/data_stream.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace bantam {

int64_t TrainingRows::counted_targets() const {
  if (!tags.empty()) return static_cast<int64_t>(pieces.size());
  return std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; });
}

DataStream::DataStream(std::vector<DataSource> sources, int context, uint64_t seed)
    : sources_(std::move(sources)),
      context_(static_cast<size_t>(context)),
      seed_(seed),
      positions_(sources_.size()),
      order_(sources_.size()),
      left_out_(sources_.size()) {
  if (sources_.empty()) throw UsageError("there is nothing to train on: name at least one file of documents");
  for (size_t s = 0; s < sources_.size(); ++s) {
    shuffle(s);
    const size_t documents = sources_[s].file.documents();
    left_out_[s] = documents - order_[s].size();
    if (order_[s].empty()) {
      throw UsageError("data source {} has {} documents and none that fits {} tokens; use a longer context", s + 1,
                       documents, context);
    }
  }
}

bool DataStream::fits(size_t s, size_t document) const {
  const TokenFile& file = sources_[s].file;
  return !file.has_uncounted() || file.length(document) - 1 <= context_;
}

void DataStream::shuffle(size_t s) {
  std::vector<uint32_t>& order = order_[s];
  order.clear();
  for (size_t d = 0; d < sources_[s].file.documents(); ++d) {
    if (fits(s, d)) order.push_back(static_cast<uint32_t>(d));
  }
  Rng rng(seed_ + 0x9E3779B97F4A7C15ull * (positions_[s].epoch * 1024 + s + 1));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
}

void DataStream::next_document(size_t s) {
  Position& at = positions_[s];
  at.offset = 0;
  if (++at.document < order_[s].size()) return;
  at.document = 0;
  ++at.epoch;
  shuffle(s);
}

size_t DataStream::source_behind() const {
  size_t behind = 0;
  const auto progress = [&](size_t s) { return static_cast<double>(positions_[s].tokens) / sources_[s].share; };
  for (size_t s = 1; s < sources_.size(); ++s) {
    if (progress(s) < progress(behind)) behind = s;
  }
  return behind;
}

void DataStream::next_row(TrainingRows& rows) {
  const size_t s = source_behind();
  const TokenFile& file = sources_[s].file;
  Position& at = positions_[s];
  size_t space = context_;
  while (space > 0) {
    const size_t document = order_[s][at.document];
    const size_t left = file.length(document) - 1 - at.offset;  // targets the document still has
    if (file.has_uncounted() && left > space) break;
    const size_t count = std::min(left, space);
    rows.pieces.push_back({static_cast<int>(rows.inputs.size()), static_cast<int>(count)});
    for (size_t i = at.offset; i < at.offset + count; ++i) {
      rows.inputs.push_back(file.token(document, i));
      if (file.has_tags()) rows.tags.push_back(file.tag(document, i));
      rows.targets.push_back(file.counted(document, i + 1) ? file.token(document, i + 1) : -1);
    }
    space -= count;
    at.offset += count;
    at.tokens += count;
    if (count == left) next_document(s);
  }
  ++rows.rows;
}

void DataStream::set_positions(const std::vector<Position>& positions) {
  if (positions.size() != sources_.size()) {
    throw FormatError("checkpoint: has positions in {} data sources, expected {}", positions.size(), sources_.size());
  }
  positions_ = positions;
  for (size_t s = 0; s < sources_.size(); ++s) {
    shuffle(s);
    const Position& at = positions_[s];
    if (at.document >= order_[s].size() || at.offset + 1 >= sources_[s].file.length(order_[s][at.document])) {
      throw FormatError("checkpoint: document {} token {} is past the end of data source {}", at.document, at.offset,
                        s + 1);
    }
  }
}

uint64_t DataStream::tokens() const {
  uint64_t sum = 0;
  for (size_t s = 0; s < sources_.size(); ++s) {
    for (const uint32_t d : order_[s]) sum += sources_[s].file.length(d) - 1;
  }
  return sum;
}

std::vector<double> resolve_shares(const std::vector<double>& wanted, const std::vector<uint64_t>& tokens) {
  double given = 0;
  uint64_t rest_tokens = 0;
  for (size_t s = 0; s < wanted.size(); ++s) {
    if (wanted[s] >= 0) given += wanted[s];
    if (wanted[s] < 0) rest_tokens += tokens[s];
  }
  std::vector<double> shares = wanted;
  const bool all_given = std::none_of(wanted.begin(), wanted.end(), [](double w) { return w < 0; });
  if (all_given) {
    for (double& share : shares) share /= given;
    return shares;
  }
  if (given >= 1) {
    throw UsageError(
        "the shares of --data sum to {}, which leaves nothing for the sources without one; wanted: less "
        "than 1, or a share for every source",
        given);
  }
  for (size_t s = 0; s < shares.size(); ++s) {
    if (shares[s] < 0) shares[s] = (1 - given) * static_cast<double>(tokens[s]) / static_cast<double>(rest_tokens);
  }
  return shares;
}

}  // namespace bantam
