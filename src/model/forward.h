// The whole model, for inference and training alike.
#pragma once

#include "model/ops.h"

namespace bantam {

// Logits [batch.logit_rows.size(), outputs()], the rows in that order; caches advance by their slices' rows. Without a
// tape the result lives in the run's arena until the caller releases it. Training is this with empty caches and a tape;
// the batch must then live until backward() has run. `states`, where given, becomes [batch.state_rows.size(), dim]:
// what the last norm makes of these rows, for embeddings.
Tensor forward(Run& run, const ModelConfig& config, const Weights& weights, const Batch& batch,
               Tensor* states = nullptr);

}  // namespace bantam
