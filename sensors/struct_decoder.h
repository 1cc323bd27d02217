// Fixed binary layouts: each value at its place, as struct_path.h says.
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

// The paths are good.
std::unique_ptr<Decoder> make_struct_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
