// Random changes of valid files: bytes and bits, cuts, copies of one part over another, and numbers that matter.
#pragma once

#include <string>

#include "bad_file.h"
#include "base/rng.h"

namespace bantam::torture {

// One of the files, changed in one to four places, mostly near its beginning, where formats say what follows.
Files mutated(Files files, Rng& rng);

}  // namespace bantam::torture
