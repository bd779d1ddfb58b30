#include "retrieval/answer_json.h"

namespace bantam {

Json citations_json(const Answer& answer) {
  Json out = Json::array();
  for (const Citation& c : answer.citations) {
    out.push_back({{"file", c.file},
                   {"title", c.title},
                   {"heading", c.heading},
                   {"page", c.page > 0 ? Json(c.page) : Json(nullptr)},
                   {"start", c.begin},
                   {"end", c.end},
                   {"quote", c.quote},
                   {"answer_start", answer.abstained ? Json(nullptr) : Json(c.answer_begin)},
                   {"answer_end", answer.abstained ? Json(nullptr) : Json(c.answer_end)}});
  }
  return out;
}

}  // namespace bantam
