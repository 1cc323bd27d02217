// Our own protobuf `Reading` (proto/wayside.proto), with nanopb's reader: fields by name, no
// copies.
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_protobuf_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
