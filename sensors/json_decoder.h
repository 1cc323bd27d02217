// JSON by field mapping, with simdjson's on-demand reader: each payload is walked once, in its own
// order, and values go straight to their fields.
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_json_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
