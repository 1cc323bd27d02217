// Any protobuf message by its field numbers, with nanopb's reader: the configuration says which
// ones (sensors/number_path.h). What nobody asks for is passed over by its length, so that depth
// costs nothing.
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_protobuf_numbers_decoder(const SourceOptions& source,
                                                       size_t first_field);

}  // namespace wayside
