// SenML in JSON (RFC 8428, section 5).
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_senml_json_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
