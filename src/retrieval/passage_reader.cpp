#include "retrieval/passage_reader.h"

namespace bantam {

bool PassageReader::read(int64_t passage, Hit& hit) {
  SqlStatement& row = state_.read_passage;
  row.bind_all(passage);
  if (!row.step()) fail_damaged(source_);
  const bool wanted = seen_.insert(row.integer(5)).second || !skip_repeated_;
  if (wanted) {
    hit.passage = passage;
    hit.begin = static_cast<size_t>(row.integer(1));
    hit.end = static_cast<size_t>(row.integer(2));
    hit.heading = row.text(3);
    hit.page = static_cast<int>(row.integer(4));
    hit.file = row.text(6);
    hit.title = row.text(7);
    const auto& [begin, text] = chunk(row.integer(0));
    if (hit.begin < begin || hit.end < hit.begin || hit.end - begin > text.size()) fail_damaged(source_);
    hit.text = text.substr(hit.begin - begin, hit.end - hit.begin);
  }
  row.reset();
  return wanted;
}

const PassageReader::Chunk& PassageReader::chunk(int64_t id) {
  const auto known = chunks_.find(id);
  if (known != chunks_.end()) return known->second;
  SqlStatement& row = state_.read_chunk;
  row.bind_all(id);
  if (!row.step()) fail_damaged(source_);
  const auto data = row.blob(2);
  Chunk read{static_cast<size_t>(row.integer(0)), decompress({reinterpret_cast<const char*>(data.data()), data.size()},
                                                             static_cast<size_t>(row.integer(1)), source_)};
  row.reset();
  return chunks_.emplace(id, std::move(read)).first->second;
}

}  // namespace bantam
