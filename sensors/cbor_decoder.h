// CBOR (RFC 8949) by field mapping: the same paths as JSON's, and whole numbers as names of
// members.
#pragma once

#include <memory>

#include "sensors/decoder.h"

namespace wayside {

std::unique_ptr<Decoder> make_cbor_decoder(const SourceOptions& source, size_t first_field);

}  // namespace wayside
