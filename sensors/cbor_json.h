// An array or a map of CBOR as JSON text, for fields of type = "json".
#pragma once

#include <string>

#include "sensors/cbor_reader.h"

namespace wayside {

// Of one field; a byte of a text counts for the 6 that it may take.
constexpr size_t kCborJsonMax = 1 << 20;

// The rest of `item`. False without a fault of the reader's: `why` says what JSON does not know, or
// that it is too large. Bytes become hex digits; a simple value or a number without a meaning null.
bool append_json(CborReader& reader, const CborItem& item, std::string& json, const char*& why);

}  // namespace wayside
